"""Where past decisions come from: applications for cars, and sales at tills."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.clock import start_of
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money

from ..applications import service as applications
from ..policy import Scheme
from ..revision import Decision, Past
from ..sales import service as sales
from ..sales.model import Sale, SaleStatus
from .model import Kind, kind_of

AT_ONCE = 1_000
# Sorts after every other id: with an instant, everything decided until then.
LAST = UUID(int=2**128 - 1)
After = tuple[datetime, UUID]


def past(
    session: Session, *, kind: Kind, after: After, since: datetime | None = None, most: int
) -> list[Past]:
    """Decisions that stand, newest first, made before one (its instant and id) and not before
    `since`.
    """
    if kind is Kind.APPLICATION:
        return applications.past(session, since=since, after=after, most=most)
    first = None if since is None else since.date()
    found = sales.sales(session, first=first, after=after, limit=most)
    return [_sold(one) for one in found]


def standing(session: Session, *, kind: Kind, ids: Collection[UUID]) -> dict[UUID, Money]:
    """What was decided of those that still stand."""
    if kind is Kind.APPLICATION:
        return applications.standing(session, ids=ids)
    found = sales.sales_of(session, ids=[RedemptionId(one) for one in ids])
    return {one.id: one.subsidy for one in found.values() if one.status is SaleStatus.SOLD}


def bought(core: Core, *, scheme: Scheme, first: date, last: date) -> Iterator[Past]:
    """Every decision that stands of what was bought on these days, both included.

    Read a part at a time, each in a transaction of its own: no snapshot is held for long.
    """
    kind, since = kind_of(scheme), start_of(first)
    with core.transaction() as session:
        after = core.now(session), LAST
    while True:
        with core.transaction() as session:
            part = past(session, kind=kind, after=after, since=since, most=AT_ONCE)
        for one in part:
            case = one.decision.case
            if case.scheme is scheme and first <= case.on <= last:
                yield one
        if len(part) < AT_ONCE:
            return
        after = part[-1].at, part[-1].decision.id


def _sold(one: Sale) -> Past:
    decision = Decision(one.id, one.case, one.subsidy, one.policy_id)
    return Past(decision, one.resident_id, one.case.area, one.occurred_at)
