"""A resident fills an application in: a part at a time, each kept by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import documents
from voucher_service.identity import service as identity
from voucher_service.infra import areas, files
from voucher_service.infra.core import Core
from voucher_service.infra.files import Content
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from ... import identifiers
from ...policy import Scheme
from .. import store
from ..model import (
    EDITABLE,
    EVIDENCE,
    LIFECYCLE,
    PARTS,
    SCHEMES,
    Application,
    ApplicationEvent,
    ApplicationId,
    AreaUnserved,
    Bought,
    Card,
    EvidenceKind,
    GivenUp,
    Part,
)
from ..tables import ApplicationRow
from .dossier import (
    CARD,
    HOLDER,
    NEW_CAR,
    NUMBER,
    OLD_CAR,
    bought_as_json,
    found,
    given_up_as_json,
    view,
    views,
)


def begin(core: Core, *, actor: Actor, scheme: Scheme) -> Outcome[Application]:
    """Begin an application, or go on with the draft that is there.

    Raises NotAllowed, IdentityRequired, ResidentBlocked, NoSuchThing for a scheme without papers.
    """
    if scheme not in SCHEMES:
        raise NoSuchThing
    resident = applicant(actor)
    id = new_id()
    with core.transaction() as session:
        identity.require_verified(session, resident=resident)
        now = core.now(session)
        row = ApplicationRow(
            id=id,
            resident_id=resident,
            scheme=scheme,
            status=LIFECYCLE.initial,
            content={},
            person_cipher=store.encrypt_person(core.keyring, id, {}),
            occurred_at=now,
        )
        there = store.begin(session, row)
        if there == id:
            audit.record(
                session,
                actor=actor,
                action="application.begun",
                object_type=LIFECYCLE.name,
                object_id=str(id),
                now=now,
                detail={"scheme": str(scheme)},
            )
        return Outcome(view(session, found(store.application(session, there))), there != id)


def mine(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Application]:
    """The caller's applications, newest first. Raises NotAllowed, CursorInvalid."""
    resident, after = applicant(actor), decode_moment(cursor)
    with core.transaction() as session:
        rows = store.of_resident(session, resident, after=after, most=limit + 1)
        shown = views(session, rows[:limit])
    if len(rows) <= limit:
        return Page(shown)
    return Page(shown, encode_cursor(shown[-1].began_at.isoformat(), shown[-1].id))


def get(core: Core, *, actor: Actor, application: ApplicationId) -> Application:
    """One of the caller's applications; another's is not found. Raises NoSuchThing."""
    with core.transaction() as session:
        return view(session, own(session, actor, application))


def save_new_car(
    core: Core, *, actor: Actor, application: ApplicationId, car: Bought
) -> Application:
    """Keep the new car.

    Raises VinInvalid, PlateInvalid, InvoiceInvalid, NameInvalid, AreaUnserved, NoSuchThing,
    IllegalTransition.
    """
    if not areas.known(car.area):
        raise AreaUnserved
    clean = replace(
        car,
        vin=identifiers.vin(car.vin).number,
        plate=identifiers.plate(car.plate),
        invoice=identifiers.invoice(car.invoice),
        area=areas.full(car.area),
        buyer=documents.name(car.buyer),
    )
    return _save(core, actor, application, NEW_CAR, *bought_as_json(clean))


def save_old_car(
    core: Core, *, actor: Actor, application: ApplicationId, car: GivenUp
) -> Application:
    """Keep the old car.

    Raises VinInvalid, PlateInvalid, InvoiceInvalid, SerialInvalid, NameInvalid, IllegalTransition;
    NoSuchThing also where nothing is given up.
    """
    with core.transaction() as session:
        scheme = own(session, actor, application).scheme
    if Part.OLD_CAR not in PARTS[scheme]:
        raise NoSuchThing
    number = identifiers.serial if scheme is Scheme.CAR_SCRAP else identifiers.invoice
    clean = replace(
        car,
        vin=identifiers.vin(car.vin).number,
        plate=identifiers.plate(car.plate),
        paper=number(car.paper),
        owner=documents.name(car.owner),
    )
    return _save(core, actor, application, OLD_CAR, *given_up_as_json(clean))


def save_card(core: Core, *, actor: Actor, application: ApplicationId, card: Card) -> Application:
    """Keep the applicant's own card. Raises CardInvalid, NameInvalid, NoSuchThing,
    IllegalTransition.
    """
    told = {HOLDER: documents.name(card.holder), NUMBER: identifiers.card(card.number).number}
    return _save(core, actor, application, CARD, {"bank": card.bank.strip()}, told)


def hand_in(
    core: Core, *, actor: Actor, application: ApplicationId, kind: EvidenceKind, content: Content
) -> Application:
    """Keep a clean paper in place of an earlier one. Raises NoSuchThing, IllegalTransition."""
    with core.transaction() as session:
        row, now = editable(session, actor, application), core.now(session)
        if kind not in EVIDENCE[row.scheme]:
            raise NoSuchThing
        earlier = store.evidence(session, [row.id])[row.id].get(kind)
        file = files.put(session, content=content, now=now)
        store.put_evidence(session, row.id, kind, file, now)
        if earlier is not None:
            files.forget(session, file=earlier)
        return view(session, row)


def evidence_of(
    core: Core, *, actor: Actor, application: ApplicationId, kind: EvidenceKind
) -> Content:
    """A paper that the caller handed in. Raises NoSuchThing."""
    with core.transaction() as session:
        row = own(session, actor, application)
        file = store.evidence(session, [row.id])[row.id].get(kind)
        return found(files.get(session, file=file) if file else None)


def applicant(actor: Actor) -> ResidentId:
    """The resident who acts. Raises NotAllowed."""
    if actor.kind is not ActorKind.RESIDENT or actor.id is None:
        raise NotAllowed
    return ResidentId(actor.id)


def own(
    session: Session, actor: Actor, application: ApplicationId, *, lock: bool = False
) -> ApplicationRow:
    """The actor's application. Raises NoSuchThing, NotAllowed."""
    row = found(store.application(session, application, lock=lock))
    if row.resident_id != applicant(actor):
        raise NoSuchThing
    return row


def editable(session: Session, actor: Actor, application: ApplicationId) -> ApplicationRow:
    """The actor's application, locked, that may be changed. Raises NoSuchThing, NotAllowed,
    IllegalTransition.
    """
    row = own(session, actor, application, lock=True)
    if row.status not in EDITABLE:
        raise IllegalTransition(state=str(row.status), event=str(ApplicationEvent.SUBMITTED))
    return row


def _save(
    core: Core,
    actor: Actor,
    application: ApplicationId,
    part: str,
    told: Mapping[str, Any],
    person: Mapping[str, str],
) -> Application:
    with core.transaction() as session:
        row = editable(session, actor, application)
        row.content = {**row.content, part: dict(told)}
        known = store.person(core.keyring, row)
        row.person_cipher = store.encrypt_person(core.keyring, row.id, {**known, **person})
        session.flush()
        return view(session, row)
