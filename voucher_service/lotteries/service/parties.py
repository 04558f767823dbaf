"""The three parties: commit, reveal; the last reveal draws, so that nobody can hold it back."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.notices import service as notices
from voucher_service.notices.model import Kind

from .. import drawing, store
from ..model import (
    LIFECYCLE,
    REVEAL_WITHIN,
    Commitment,
    CommitmentsMissing,
    Event,
    ListChanged,
    Lottery,
    LotteryId,
    LotteryInvalid,
    Party,
    PartyTaken,
    RevealNotOver,
    RevealTooLate,
    SecretWrong,
    Status,
)
from ..tables import LotteryRow
from .reading import of_area

_HEX = re.compile(r"[0-9a-f]{64}")


def commit(core: Core, *, actor: Actor, lottery: LotteryId, party: Party, sha256: str) -> Lottery:
    """Promise a secret by its SHA-256: before the list is closed, or anew after a void attempt.

    The secret is 64 hex digits; the hash is of these digits as text. The same promise again changes
    nothing. Raises NoSuchThing, NotAllowed, LotteryInvalid, PartyTaken, IllegalTransition.
    """
    if not _HEX.fullmatch(sha256):
        raise LotteryInvalid(extra={"errors": {"sha256": "64 hex"}}, fields="sha256")
    with core.transaction() as session:
        now = core.now(session)
        found = _for_party(session, actor, lottery, party)
        mine = found.of_party(party)
        if mine is not None and (mine.staff_id, mine.sha256) == (actor.id, sha256):
            return found
        if found.status not in (Status.OPEN, Status.CLOSED):
            raise IllegalTransition(state=str(found.status), event="lottery.committed")
        assert actor.id is not None
        promise = Commitment(found.attempt, party, actor.id, sha256, now, None, None)
        if not store.add_commitment(session, lottery, promise):
            raise PartyTaken
        if found.status is Status.CLOSED and len(found.standing) + 1 == len(Party):
            store.set_reveal_by(session, lottery, now + REVEAL_WITHIN)
        _record(session, actor, "lottery.committed", found, party, now)
        return store.lottery(session, lottery)


def reveal(core: Core, *, actor: Actor, lottery: LotteryId, party: Party, secret: str) -> Lottery:
    """Show the secret that was promised. With the last of the three the lottery is drawn.

    The same secret again changes nothing. Raises NoSuchThing, NotAllowed, CommitmentsMissing,
    SecretWrong, RevealTooLate, IllegalTransition, ListChanged.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = _for_party(session, actor, lottery, party)
        mine = found.of_party(party)
        if mine is not None and mine.secret is not None and mine.secret == secret:
            return found
        LIFECYCLE.next(found.status, Event.DRAWN)
        if mine is None or len(found.standing) < len(Party):
            raise CommitmentsMissing
        if mine.staff_id != actor.id:
            raise NotAllowed
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
        if not _HEX.fullmatch(secret) or digest != mine.sha256:
            raise SecretWrong
        assert found.reveal_by is not None
        if now > found.reveal_by:
            raise RevealTooLate
        store.save_secret(session, lottery, mine, secret, now)
        _record(session, actor, "lottery.revealed", found, party, now)
        found = store.lottery(session, lottery)
        if all(one.secret is not None for one in found.standing):
            _draw(session, found, actor, now)
        return store.lottery(session, lottery)


def void(core: Core, *, actor: Actor, lottery: LotteryId) -> Lottery:
    """Give up an attempt in which somebody did not reveal in time; all commit anew.

    What was revealed and who did not stays published. Raises NoSuchThing, RevealNotOver,
    IllegalTransition.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = of_area(session, actor, lottery, lock=True)
        LIFECYCLE.next(found.status, Event.VOIDED)
        if found.reveal_by is None or now <= found.reveal_by:
            raise RevealNotOver(reveal_by=found.reveal_by) if found.reveal_by else RevealNotOver
        audit.transition(
            session,
            LotteryRow,
            id=lottery,
            current=found.status,
            lifecycle=LIFECYCLE,
            event=Event.VOIDED,
            actor=actor,
            now=now,
            set_={"attempt": found.attempt + 1, "reveal_by": None},
            detail={
                "attempt": found.attempt,
                "silent": [str(one.party) for one in found.standing if one.secret is None],
            },
        )
        return store.lottery(session, lottery)


def _draw(session: Session, found: Lottery, actor: Actor, now: datetime) -> None:
    leaves = store.leaves(session, found.id)
    if found.list_sha256 is None or drawing.list_hash(leaves) != found.list_sha256:
        raise ListChanged
    seed, terms = drawing.seed_of(found), found.terms
    places = drawing.ranked(seed, found.list_sha256, leaves, terms.seats + terms.waiting)
    result = hashlib.sha256(drawing.result_file(places, terms.seats)).hexdigest()
    store.save_ranks(session, found.id, [leaf for _, leaf in places])
    audit.transition(
        session,
        LotteryRow,
        id=found.id,
        current=found.status,
        lifecycle=LIFECYCLE,
        event=Event.DRAWN,
        actor=actor,
        now=now,
        set_={"seed": seed, "result_sha256": result, "drawn_at": now},
        detail={"attempt": found.attempt, "seed": seed, "result_sha256": result},
    )
    notices.add(
        session,
        kind=Kind.LOTTERY_WON,
        subject=found.id,
        residents=store.winners(session, found.id, terms.seats),
        title=found.offer.title,
        at=found.offer.window()[0],
        now=now,
    )


def _for_party(session: Session, actor: Actor, lottery: LotteryId, party: Party) -> Lottery:
    found = of_area(session, actor, lottery, lock=True)
    if not actor.has(*party.roles):
        raise NotAllowed
    return found


def _record(
    session: Session, actor: Actor, action: str, found: Lottery, party: Party, now: datetime
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="lottery",
        object_id=str(found.id),
        now=now,
        detail={"attempt": found.attempt, "party": str(party)},
    )
