"""Funders, funds, budgets and lines, and how an amount is shared among lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.infra import areas
from voucher_service.kernel.actor import Role
from voucher_service.kernel.ids import ApprovalId, BudgetLineId, CampaignId, FunderId, ProgrammeId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import ZERO, Bps, Money, Rounding, largest_remainder

from .refusals import AreaSharesTooLarge, BudgetShort, FallbackNeeded, SharesNotWhole

FundId = NewType("FundId", UUID)
BudgetId = NewType("BudgetId", UUID)
AllotmentId = NewType("AllotmentId", UUID)
MoveId = NewType("MoveId", UUID)


class Level(StrEnum):
    """What kind of funder."""

    CENTRAL = "central"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    TOWN = "town"
    MERCHANT = "merchant"
    BANK = "bank"


LEVELS: Mapping[str, str] = {
    Level.CENTRAL: mark("中央"),
    Level.PROVINCE: mark("省级"),
    Level.CITY: mark("市级"),
    Level.COUNTY: mark("县级"),
    Level.TOWN: mark("镇级"),
    Level.MERCHANT: mark("商户"),
    Level.BANK: mark("银行"),
}


class Action(StrEnum):
    """A movement of money above the lines; the value is the approval's action."""

    APPROPRIATE = "fund.appropriate"
    RETURN = "fund.return"
    CARRY_OVER = "fund.carry_over"
    ALLOT = "budget.allot"
    PASS_DOWN = "budget.pass_down"  # noqa: S105 - no password
    HAND_BACK = "budget.hand_back"


class MoveStatus(StrEnum):
    """Where a movement stands."""

    WAITING = "waiting"
    MADE = "made"
    REFUSED = "refused"


class MoveEvent(StrEnum):
    """What happens to a movement."""

    MADE = "move.made"
    REFUSED = "move.refused"


MOVE: Machine[MoveStatus, MoveEvent] = Machine(
    "move",
    MoveStatus.WAITING,
    {
        MoveStatus.WAITING: {
            MoveEvent.MADE: MoveStatus.MADE,
            MoveEvent.REFUSED: MoveStatus.REFUSED,
        },
        MoveStatus.MADE: {},
        MoveStatus.REFUSED: {},
    },
)
MOVE_PUBLIC: Mapping[MoveStatus, str] = {
    MoveStatus.WAITING: "等待批准",
    MoveStatus.MADE: "已入账",
    MoveStatus.REFUSED: "没有批准",
}
MOVE_OWNER: Mapping[MoveStatus, frozenset[Role]] = {
    MoveStatus.WAITING: frozenset({Role.APPROVER}),
    MoveStatus.MADE: frozenset(),
    MoveStatus.REFUSED: frozenset(),
}


class Span(StrEnum):
    """What a cap counts over: one campaign, a business day, a month of Shanghai."""

    CAMPAIGN = "campaign"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Funder:
    """Who pays a share."""

    id: FunderId
    code: str
    name: str
    level: Level
    area: str


@dataclass(frozen=True, slots=True)
class Fund:
    """Money a funder appropriated by one document for one year (拨款). An empty purpose code is
    general money; any other is earmarked and pays only lines of that code. `available` is what no
    budget was given yet.
    """

    id: FundId
    funder: Funder
    year: int
    purpose_code: str
    document: str
    available: Money


@dataclass(frozen=True, slots=True)
class Budget:
    """A programme's money in one area (预算): the city's frame, or a part of the parent's."""

    id: BudgetId
    programme_id: ProgrammeId
    parent_id: BudgetId | None
    name: str
    area: str


@dataclass(frozen=True, slots=True)
class Allotment:
    """What a budget was given of a fund; `available` is what it has not given on."""

    id: AllotmentId
    budget_id: BudgetId
    fund: Fund
    available: Money


@dataclass(frozen=True, slots=True)
class Move:
    """A proposed movement of money above the lines. `budget_id` is the budget that gets the money,
    or hands it back; None where only a fund is concerned.
    """

    id: MoveId
    action: Action
    fund: Fund
    budget_id: BudgetId | None
    amount: Money
    status: MoveStatus
    approval_id: ApprovalId
    created_by: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that may be issued in each period of a span, and what is planned by period."""

    span: Span
    amount: Money
    planned: Mapping[str, Money]


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """Money of one funder in one campaign. With `shop_area` it bears its share of what is redeemed
    at shops of that area only, and the fallback line is relieved of it. `allotment_id` None: the
    campaign's approval is itself the appropriation.
    """

    id: BudgetLineId
    campaign_id: CampaignId
    funder: Funder
    amount: Money
    share_bps: int
    purpose_code: str
    fallback: bool
    shop_area: str = ""
    allotment_id: AllotmentId | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """What a line can bear of one offer: reserved less freed. For lines with a shop area also
    what was redeemed in the area so far, and what the line has available.
    """

    line: BudgetLine
    limit: Money
    redeemed: Money = ZERO
    available: Money = ZERO


def parts_of(budget: BudgetId, family: Sequence[Budget]) -> list[Budget]:
    """A budget and all that is below it, out of its programme's budgets."""
    found = [one for one in family if one.id == budget]
    for one in found:
        found += [each for each in family if each.parent_id == one.id]
    return found


def check_shares(lines: Sequence[BudgetLine]) -> None:
    """Raises SharesNotWhole unless the lines for all shops bear the whole between them.

    Lines of shop areas relieve the fallback line, so there must be one, and they can't bear more
    than its share: FallbackNeeded, AreaSharesTooLarge.
    """
    total = sum(_weights(lines))
    if total != 10_000:
        raise SharesNotWhole(total_bps=total)
    local = [one for one in lines if one.shop_area]
    fallback = next((one for one in lines if one.fallback and not one.shop_area), None)
    if local and fallback is None:
        raise FallbackNeeded
    for area in {one.shop_area for one in local}:
        borne = sum(one.share_bps for one in local if areas.within(area, one.shop_area))
        if fallback and borne > fallback.share_bps:
            raise AreaSharesTooLarge(
                borne=borne, most=fallback.share_bps, funder=fallback.funder.name
            )


def shop_areas(lines: Sequence[BudgetLine]) -> list[str]:
    """The areas that have lines of their own, a part before the whole it lies in."""
    found = {one.shop_area for one in lines if one.shop_area}
    return sorted(found, key=lambda area: (-len(areas.stem(area)), area))


def reserve(lines: Sequence[BudgetLine], costs: Sequence[Money]) -> list[tuple[Money, ...]]:
    """Each offer's greatest cost, shared over the lines for all shops; the others reserve nothing.

    Raises what `check_shares` does, and BudgetShort.
    """
    check_shares(lines)
    weights = _weights(lines)
    parts: list[tuple[Money, ...]] = []
    so_far, before = ZERO, tuple(ZERO for _ in lines)
    for cost in costs:
        # Shared cumulatively: the lines' sums are those of the whole, not of rounded pieces.
        so_far += cost
        after = so_far.split(weights)
        parts.append(tuple(new - old for new, old in zip(after, before, strict=True)))
        before = after
    for one, needed in zip(lines, before, strict=True):
        if needed > one.amount:
            raise BudgetShort(funder=one.funder.name, needed=needed, amount=one.amount)
    return parts


def relieve(rooms: Sequence[Room]) -> list[Money]:
    """How much room each line gets (or gives back) so that lines of shop areas bear their share.

    They never get more than they have available; the fallback line gives the room and gets the
    money, so that all rooms together stay the same. It takes back no more than it can pay for.
    """
    shifts = [ZERO for _ in rooms]
    fallback = next((i for i, room in enumerate(rooms) if _is_fallback(room.line)), None)
    if fallback is None:
        return shifts
    lender = rooms[fallback]
    for i, room in enumerate(rooms):
        if room.line.shop_area:
            wanted = min(_own_share(room), room.limit + room.available) - room.limit
            most = lender.limit + shifts[fallback]
            least = shifts[fallback] - lender.available
            shifts[i] = max(min(wanted, most), least)
            shifts[fallback] -= shifts[i]
    return shifts


def fold(total: Money, rooms: Sequence[Room]) -> list[Money]:
    """Share a cumulative sum of commits over the lines, none above its room.

    By largest remainder on the shares, lines of shop areas first by what was redeemed there in
    the fallback line's stead. What a full line can't bear goes to the fallback line, then to the
    others in order. Raises ValueError when all rooms together are too small.
    """
    parts = largest_remainder(total.fen, _weights([room.line for room in rooms]))
    local = [i for i, room in enumerate(rooms) if room.line.shop_area]
    for i in local:
        parts[i] = min(_own_share(rooms[i]), rooms[i].limit).fen
    for i, room in enumerate(rooms):
        if _is_fallback(room.line):
            parts[i] -= sum(parts[j] for j in local)
    parts = [min(part, room.limit.fen) for part, room in zip(parts, rooms, strict=True)]
    rest = total.fen - sum(parts)
    for i in sorted(range(len(rooms)), key=lambda i: (i in local, not rooms[i].line.fallback)):
        more = min(rest, rooms[i].limit.fen - parts[i])
        parts[i] += more
        rest -= more
    if rest:
        raise ValueError("commits exceed what was reserved")
    return [Money(part) for part in parts]


def borne(amount: Money, committed: Sequence[Money], wanted: Sequence[Money] | None) -> list[Money]:
    """How lines bear a payment: by what each has committed, or as `wanted`; what a line lacks of
    that the others bear by what they have left. The amount is at most what all have committed.

    Raises ValueError when other than the amount is wanted.
    """
    if not amount:
        return [ZERO for _ in committed]
    if wanted is None:
        return list(amount.split([one.fen for one in committed]))
    if Money.total(wanted) != amount:
        raise ValueError("what is wanted of the lines is not the amount")
    own = [min(wish, has) for wish, has in zip(wanted, committed, strict=True)]
    short = amount - Money.total(own)
    if not short:
        return own
    left = [(has - part).fen for has, part in zip(committed, own, strict=True)]
    return [part + more for part, more in zip(own, short.split(left), strict=True)]


def _weights(lines: Sequence[BudgetLine]) -> list[int]:
    return [0 if one.shop_area else one.share_bps for one in lines]


def _is_fallback(line: BudgetLine) -> bool:
    return line.fallback and not line.shop_area


def _own_share(room: Room) -> Money:
    # Rounded down, so that all of them together never exceed the fallback line's part.
    return max(room.redeemed, ZERO).share(Bps(room.line.share_bps), Rounding.DOWN)
