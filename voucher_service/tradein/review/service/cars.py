"""Applications at the reviewer's desk: by risk, then by day; and many harmless ones at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import DomainError, NoSuchThing, NotAllowed
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import Page, encode_cursor

from ...applications import service as applications
from ...applications.model import ApplicationId
from ...applications.refusals import OwnApplication
from ...applications.service.judging import judge, refuse_own
from ...applications.tables import ApplicationRow
from ...policy import Scheme
from .. import batch_store
from ..model import (
    BATCH_LIFECYCLE,
    BatchEvent,
    BatchId,
    NothingToPass,
    SampleOpen,
    Subject,
    Way,
)
from .batching import make
from .deciding import SEES, move, seen
from .reading import place
from .weighing import weights

# So many of the longest waiting are put in order at once; what waits behind them waits shorter.
_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """An application that waits for a first check, and what the findings of risk weigh."""

    id: ApplicationId
    scheme: Scheme
    area: str
    vin: str
    subsidy: Money
    submitted_at: datetime
    weight: int


def car_queue(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Waiting]:
    """Applications of the actor's area that wait, the riskiest first, then the longest waiting.

    Raises NotAllowed, CursorInvalid.
    """
    if not actor.has(*SEES):
        raise NotAllowed
    with core.transaction() as session:
        rows = batch_store.waiting_applications(session, area=actor.area, most=_MOST)
        weighed = weights(session, subject=Subject.APPLICATION, ids=[row.id for row in rows])
    found = sorted((_waiting(row, weighed.get(row.id, 0)) for row in rows), key=_order)
    if cursor:
        weight, at, id = place(cursor)
        found = [one for one in found if _order(one) > (-weight, at, id)]
    if len(found) <= limit:
        return Page(found)
    last = found[limit - 1]
    return Page(found[:limit], encode_cursor(last.weight, last.submitted_at.isoformat(), last.id))


def make_car_batch(core: Core, *, actor: Actor) -> BatchId:
    """Put the longest waiting applications of the actor's area together in which neither rules nor
    checks found anything and risk, which has looked, little; a drawn sample of them will be opened
    one by one.

    Raises NotAllowed, NothingToPass where there are less than two.
    """
    if not actor.has(Role.REVIEWER):
        raise NotAllowed
    with core.transaction() as session:
        now, rules = core.now(session), core.settings.review
        rows = batch_store.waiting_applications(
            session, area=actor.area, most=_MOST, unbatched=True
        )
        weighed = weights(session, subject=Subject.APPLICATION, ids=[row.id for row in rows])
        light = [row for row in rows if weighed.get(row.id, rules.hold_weight) < rules.hold_weight]
        chosen = list(islice(_harmless(session, actor, light, now), rules.pass_together))
        if len(chosen) < 2:
            raise NothingToPass
        area = actor.area or areas.city(chosen[0].area)
        return make(
            session,
            subject=Subject.APPLICATION,
            way=Way.SAMPLE,
            members={row.id: (weighed.get(row.id, 0), row.subsidy_fen or ZERO) for row in chosen},
            area=area,
            title="",
            actor=actor,
            now=now,
        )


def pass_car_batch(core: Core, *, actor: Actor, batch: BatchId) -> dict[ApplicationId, str]:
    """Pass what stands of a batch whose sample was looked at; each goes to the city by itself.

    What can't be passed any more (withdrawn, another's rule, one's own) is left to be looked at
    alone: the codes of those refusals by application. Each application in a transaction of its own:
    a process that dies half-way goes on where it was. Raises NoSuchThing, NotAllowed, SampleOpen,
    IllegalTransition.
    """
    with core.transaction() as session:
        row, stands = seen(session, actor, batch, {Role.REVIEWER})
        if row.subject is not Subject.APPLICATION:
            raise NoSuchThing
        BATCH_LIFECYCLE.next(row.status, BatchEvent.CLOSED)
        if stands.left:
            raise SampleOpen(extra={"left": stands.left}, left=stands.left)
    refused = {}
    for line in stands.passing:
        application = ApplicationId(line.subject_id)
        try:
            applications.precheck(core, actor=actor, application=application)
        except DomainError as error:
            refused[application] = error.code
            continue
        with core.transaction() as session:
            batch_store.release(session, row.id, [application])
    with core.transaction() as session:
        row, _ = seen(session, actor, batch, {Role.REVIEWER}, lock=True)
        move(session, row, BatchEvent.CLOSED, actor, core.now(session))
    return refused


def _harmless(
    session: Session, actor: Actor, rows: Sequence[ApplicationRow], now: datetime
) -> Iterator[ApplicationRow]:
    """Those without any finding that are not in the reviewer's own name, judged as they are asked
    for.
    """
    for row in rows:
        judged = judge(session, row, now)
        if judged is None or judged.findings:
            continue
        try:
            refuse_own(session, row, actor)
        except OwnApplication:
            continue
        yield row


def _waiting(row: ApplicationRow, weight: int) -> Waiting:
    assert row.submitted_at is not None  # it was handed in
    return Waiting(
        ApplicationId(row.id),
        row.scheme,
        row.area,
        row.new_vin or "–",
        row.subsidy_fen or ZERO,
        row.submitted_at,
        weight,
    )


def _order(one: Waiting) -> tuple[int, datetime, UUID]:
    return -one.weight, one.submitted_at, one.id
