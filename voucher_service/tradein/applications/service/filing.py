"""A resident fills an application in: a part at a time, each kept by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import documents
from voucher_service.identity import service as identity
from voucher_service.infra import areas, files
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.files import Content, Facts
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
    ApplicationStatus,
    Bought,
    Card,
    EvidenceKind,
    GivenUp,
    Part,
)
from ..refusals import AreaUnserved
from ..tables import ApplicationRow
from .dossier import (
    CARD,
    NEW_CAR,
    NUMBER,
    OLD_CAR,
    bought_as_json,
    card_as_json,
    found,
    given_up_as_json,
    keep,
    typed,
    view,
    views,
)
from .moving import move


def begin(core: Core, *, actor: Actor, scheme: Scheme) -> Outcome[Application]:
    """Begin an application, or go on with the draft that is there.

    Raises NotAllowed, IdentityRequired, ResidentBlocked, NoSuchThing for a scheme without papers.
    """
    with core.transaction() as session:
        row, new = _begun(session, actor, scheme)
        return Outcome(view(session, row), replayed=not new)


def fill_in(
    core: Core,
    *,
    actor: Actor,
    scheme: Scheme,
    car: Bought,
    old_car: GivenUp | None,
    card: Card,
    papers: Mapping[EvidenceKind, Content],
) -> Application:
    """Begin an application, or go on with the draft, and fill all of it in at once.

    For whoever has everything at hand, a replay above all: then `submit`, `precheck` by a reviewer
    and `approvals.service.approve`, four transactions for a car. Raises as `begin`, `save_new_car`,
    `save_old_car`, `save_card` and `hand_in`.
    """
    with core.transaction() as session:
        row, _ = _begun(session, actor, scheme)
        keep(session, row, NEW_CAR, *_new_car(car))
        if old_car is not None:
            _keep_old(session, row, old_car)
        keep(session, row, CARD, *card_as_json(card))
        for kind, content in papers.items():
            _put(session, row, kind, content)
        return view(session, row)


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
    with core.transaction() as session:
        row = editable(session, actor, application)
        keep(session, row, NEW_CAR, *_new_car(car))
        return view(session, row)


def save_old_car(
    core: Core, *, actor: Actor, application: ApplicationId, car: GivenUp
) -> Application:
    """Keep the old car.

    Raises VinInvalid, PlateInvalid, InvoiceInvalid, SerialInvalid, NameInvalid, IllegalTransition;
    NoSuchThing also where nothing is given up.
    """
    with core.transaction() as session:
        row = editable(session, actor, application)
        _keep_old(session, row, car)
        return view(session, row)


def save_card(core: Core, *, actor: Actor, application: ApplicationId, card: Card) -> Application:
    """Keep the applicant's own card: in a form that may be changed, or another one after the bank
    refused it. Raises CardInvalid, NameInvalid, NoSuchThing, IllegalTransition.
    """
    with core.transaction() as session:
        row = own(session, actor, application, lock=True)
        if row.status is ApplicationStatus.PAYOUT_REFUSED:
            _change_card(session, row, card, actor, core.now(session))
        else:
            keep(session, editable(session, actor, application), CARD, *card_as_json(card))
        return view(session, row)


def hand_in(
    core: Core,
    *,
    actor: Actor,
    application: ApplicationId,
    kind: EvidenceKind,
    content: Content,
    facts: Facts | None = None,
) -> Application:
    """Keep a clean paper, and what its camera noted, in place of an earlier one.

    Raises NoSuchThing, IllegalTransition.
    """
    with core.transaction() as session:
        row = editable(session, actor, application)
        _put(session, row, kind, content, facts)
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


def _begun(session: Session, actor: Actor, scheme: Scheme) -> tuple[ApplicationRow, bool]:
    """The actor's draft of a scheme, locked, and whether it is new."""
    if scheme not in SCHEMES:
        raise NoSuchThing
    resident, core, id = applicant(actor), core_of(session), new_id()
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
    return found(store.application(session, there, lock=True)), there == id


def _new_car(car: Bought) -> tuple[dict[str, Any], dict[str, str]]:
    if not areas.known(car.area):
        raise AreaUnserved
    return bought_as_json(
        replace(
            car,
            vin=identifiers.vin(car.vin).number,
            plate=identifiers.plate(car.plate),
            invoice=identifiers.invoice(car.invoice),
            area=areas.full(car.area),
            buyer=documents.name(car.buyer),
        )
    )


def _old_car(car: GivenUp, scheme: Scheme) -> tuple[dict[str, Any], dict[str, str]]:
    number = identifiers.serial if scheme is Scheme.CAR_SCRAP else identifiers.invoice
    return given_up_as_json(
        replace(
            car,
            vin=identifiers.vin(car.vin).number,
            plate=identifiers.plate(car.plate),
            paper=number(car.paper),
            owner=documents.name(car.owner),
        )
    )


def _change_card(
    session: Session, row: ApplicationRow, card: Card, actor: Actor, now: datetime
) -> None:
    """Another card, which a reviewer looks at; the record names the last four signs of both."""
    _, _, before = typed(session, row)
    told, person = card_as_json(card)
    last4 = {"from": found(before).number[-4:], "to": person[NUMBER][-4:]}
    move(session, row, ApplicationEvent.CARD_GIVEN, actor, now, {}, detail={"last4": last4})
    session.refresh(row)
    keep(session, row, CARD, told, person)


def _keep_old(session: Session, row: ApplicationRow, car: GivenUp) -> None:
    if Part.OLD_CAR not in PARTS[row.scheme]:
        raise NoSuchThing
    keep(session, row, OLD_CAR, *_old_car(car, row.scheme))


def _put(
    session: Session,
    row: ApplicationRow,
    kind: EvidenceKind,
    content: Content,
    facts: Facts | None = None,
) -> None:
    if kind not in EVIDENCE[row.scheme]:
        raise NoSuchThing
    earlier = store.evidence(session, [row.id])[row.id].get(kind)
    now = core_of(session).now(session)
    file = files.put(session, content=content, now=now, facts=facts)
    store.put_evidence(session, row.id, kind, file, now)
    if earlier is not None:
        files.forget(session, file=earlier)
