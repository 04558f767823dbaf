"""Use cases of pushes: upload, approve, give in batches, and what came of it.

The claims themselves are made by the job, through the same slots and constraints as any other.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed, fingerprint
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, OfferStatus
from voucher_service.campaigns.service.planning import draft
from voucher_service.identity import service as identity
from voucher_service.infra import areas, outbox
from voucher_service.infra.core import Core
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import OfferId, ResidentId, new_id
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.notices import service as notices
from voucher_service.notices.model import Kind

from . import listing, store
from .model import (
    LIFECYCLE,
    Event,
    NotEligible,
    Push,
    PushId,
    PushListInvalid,
    PushTooLarge,
    Result,
    Status,
    frozen,
)
from .tables import PushRow

GIVE = "push.give"
# Lines that are looked up at once; a statement takes 65,535 values at most.
_PIECE = 10_000


def propose(core: Core, *, actor: Actor, offer: OfferId, content: bytes) -> Push:
    """Read a list, look its people up, and ask a second person to give each a voucher.

    Who can't be found is listed and not created. While the offer's campaign is a draft, the list is
    part of its plan: only those on lists may then claim the offer. Raises NoSuchThing,
    CampaignNotDraft while the campaign waits for approval, IllegalTransition when the offer is
    over, PushListInvalid, PushTooLarge, PushRepeated.
    """
    unit, lines = listing.read(content)
    with core.transaction() as session:
        now = core.now(session)
        found = campaigns.offer(session, offer=offer)
        mine = areas.within(found.issuing_area, actor.area)
        if not mine or found.issues is not CampaignKind.VOUCHER:
            raise NoSuchThing
        reserved = found.status is OfferStatus.DRAFT
        if reserved:
            draft(session, actor, found.campaign_id)
        if found.status is OfferStatus.CLOSED:
            raise IllegalTransition(state=str(found.status), event=str(Event.APPROVED))
        placed = _place(session, core.keyring, lines, now)
        count = sum(one.result is None for one in placed)
        if not count:
            raise PushListInvalid
        if count > found.quota:
            raise PushTooLarge(count=count, quota=found.quota)
        assert actor.id is not None
        id = PushId(new_id())
        row = PushRow(
            id=id,
            offer_id=offer,
            unit=unit,
            list_sha256=hashlib.sha256(content).hexdigest(),
            lines=len(placed),
            count=count,
            reserved=reserved,
            status=LIFECYCLE.initial,
            created_by=actor.id,
            created_at=now,
        )
        store.add(session, row, [_line(id, one) for one in placed])
        push = store.push(session, id)
        approvals.propose(
            session,
            action=GIVE,
            object_type="push",
            object_id=id,
            area=found.issuing_area,
            title=found.title,
            payload=frozen(push),
            maker=actor,
            now=now,
            amount=push.worst_case,
            group=f"{GIVE}:{found.campaign_id}",
        )
        return push


def pushes(core: Core, *, actor: Actor) -> list[Push]:
    """Pushes of the actor's area, newest first."""
    with core.transaction() as session:
        found = store.pushes(session)
    return [one for one in found if areas.within(one.offer.issuing_area, actor.area)]


def push(core: Core, *, actor: Actor, push: PushId) -> Push:
    """One push of the actor's area. Raises NoSuchThing."""
    with core.transaction() as session:
        return _mine(session, actor, push)


def results_file(core: Core, *, actor: Actor, push: PushId) -> bytes:
    """What became of each line, as CSV that spreadsheets open; numbers are masked.

    The line numbers are those of the uploaded list, its header being line 1. Raises NoSuchThing.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("line", "household", "person", "result"))
    with core.transaction() as session:
        _mine(session, actor, push)
        for one in store.lines(session, push):
            result = str(one.result) if one.result else "waiting"
            writer.writerow((one.number, one.household or "", one.shown, result))
    return text.getvalue().encode("utf-8-sig")


def waiting(core: Core, *, push: PushId, most: int) -> tuple[Push, dict[int, ResidentId]]:
    """The push and the next lines to give, by number; none when it is not approved or done.

    Raises NoSuchThing.
    """
    with core.transaction() as session:
        found = store.push(session, push)
        if found.status is not Status.APPROVED:
            return found, {}
        return found, store.waiting(session, push, most)


def note(
    core: Core,
    *,
    push: Push,
    results: Mapping[int, Result],
    given: Mapping[ResidentId, datetime],
) -> None:
    """Write what became of lines; tell who was given one, with the instant at which it ends."""
    with core.transaction() as session:
        now = core.now(session)
        if not store.note(session, push.id, results):
            return
        audit.record(
            session,
            actor=SYSTEM,
            action="push.batch_given",
            object_type="push",
            object_id=str(push.id),
            now=now,
            detail={"lines": len(results), "given": len(given)},
        )
        for at in set(given.values()):
            notices.add(
                session,
                kind=Kind.PUSH_GIVEN,
                subject=push.id,
                residents=[one for one, until in given.items() if until == at],
                title=push.offer.title,
                at=at,
                now=now,
            )


def close(session: Session, *, push: PushId, now: datetime) -> None:
    """Mark an approved push done once no line waits; nothing when it is done already."""
    found = store.push(session, push, lock=True)
    if found.status is Status.APPROVED:
        _move(session, push, Event.DONE, SYSTEM, now, {"done_at": now})


def want(session: Session, *, push: PushId) -> str:
    """Want the job that gives; its key."""
    key = f"give_push:{push}"
    outbox.add(session, kind="give_push", key=key, args={"push": str(push)})
    return key


def stopped(session: Session) -> list[PushId]:
    """Approved pushes whose job was done for its few seconds, and has more to do."""
    return [
        one.id
        for one in store.pushes(session, PushRow.status == Status.APPROVED)
        if outbox.served(session, key=f"give_push:{one.id}")
    ]


def eligible(
    session: Session, *, offer: OfferId, residents: Sequence[ResidentId]
) -> dict[ResidentId, DomainError] | None:
    """The refusal of each resident who is on no list of the offer; None when it is for everybody.

    An offer becomes one for lists only with its plan, so that None holds for good.
    """
    if not store.reserved(session, [offer]):
        return None
    listed = store.listed(session, offer, residents)
    return {one: NotEligible() for one in residents if one not in listed}


def reserved(session: Session, *, offers: Sequence[OfferId]) -> set[OfferId]:
    """Those of the offers that only residents on lists may claim."""
    return store.reserved(session, offers)


def _place(
    session: Session, keyring: Keyring, lines: Sequence[listing.Named], now: datetime
) -> list[listing.Placed]:
    found: dict[int, ResidentId] = {}
    born: dict[ResidentId, date | None] = {}
    for start in range(0, len(lines), _PIECE):
        piece = lines[start : start + _PIECE]
        known = _known(session, keyring, piece)
        found |= known
        members = [known[one.number] for one in piece if one.household and one.number in known]
        born |= identity.births(session, keyring=keyring, residents=members)
    return listing.place(lines, found, born, day_of(now))


def _known(
    session: Session, keyring: Keyring, lines: Sequence[listing.Named]
) -> dict[int, ResidentId]:
    """The residents whom lines name, by line."""
    mobiles = identity.by_mobile(
        session, keyring=keyring, mobiles=[one.mobile for one in lines if one.mobile]
    )
    persons = identity.by_identity(
        session, keyring=keyring, identities=[one.identity for one in lines if one.identity]
    )
    named = {one.number: mobiles.get(one.mobile or "") for one in lines if one.mobile}
    named |= {one.number: persons.get(one.identity) for one in lines if one.identity}
    return {number: resident for number, resident in named.items() if resident is not None}


def _line(push: PushId, one: listing.Placed) -> dict[str, Any]:
    return {
        "push_id": push,
        "number": one.line.number,
        "household": one.line.household,
        "shown": one.line.shown,
        "resident_id": one.resident,
        "chosen": one.result is None,
        "result": one.result,
    }


def _mine(session: Session, actor: Actor, id: PushId) -> Push:
    found = store.push(session, id)
    if not areas.within(found.offer.issuing_area, actor.area):
        raise NoSuchThing
    return found


def _approve(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = store.push(session, PushId(UUID(payload["push"])), lock=True)
    if fingerprint(frozen(found)) != fingerprint(payload):
        raise ChangedSinceProposed
    offer = campaigns.offer(session, offer=found.offer.id)
    if offer.status is not OfferStatus.OPEN:
        raise IllegalTransition(state=str(offer.status), event=str(Event.APPROVED))
    _move(session, found.id, Event.APPROVED, actor, now)
    want(session, push=found.id)


def _reject(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    _move(session, PushId(UUID(payload["push"])), Event.REJECTED, actor, now)


def _move(
    session: Session,
    id: PushId,
    event: Event,
    actor: Actor,
    now: datetime,
    set_: Mapping[str, Any] | None = None,
) -> None:
    audit.transition(
        session,
        PushRow,
        id=id,
        current=Status.APPROVED if event is Event.DONE else Status.SUBMITTED,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_=set_,
    )


def _planned(session: Session, offers: Sequence[OfferId]) -> list[dict[str, Any]]:
    """The lists that were planned with the offers, for who approves the campaign."""
    found = store.pushes(session, PushRow.reserved.is_(True), PushRow.offer_id.in_(offers))
    return [frozen(one) for one in sorted(found, key=lambda one: one.id)]


approvals.register(GIVE, execute=_approve, refuse=_reject)
campaigns.also_frozen("pushes", _planned)
