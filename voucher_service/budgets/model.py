"""Funders, lines, and how an amount is shared among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import BudgetLineId, CampaignId, FunderId
from voucher_service.kernel.money import ZERO, Money, largest_remainder


class Level(StrEnum):
    """What kind of funder."""

    CENTRAL = "central"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    MERCHANT = "merchant"
    BANK = "bank"


class FunderUnknown(Unprocessable):
    """There is no funder of that code."""

    code = "funder_unknown"


class LineExists(Conflict):
    """The funder has a line in this campaign already."""

    code = "budget_line_exists"


class SharesNotWhole(Unprocessable):
    """The shares of a campaign's lines do not add up to 10,000 basis points."""

    code = "shares_not_whole"


class BudgetShort(Unprocessable):
    """A line holds less than the offers could cost it."""

    code = "budget_short"


@dataclass(frozen=True, slots=True)
class Funder:
    """Who pays a share."""

    id: FunderId
    code: str
    name: str
    level: Level
    area: str


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """Money of one funder in one campaign."""

    id: BudgetLineId
    campaign_id: CampaignId
    funder: Funder
    amount: Money
    share_bps: int
    purpose_code: str
    fallback: bool


@dataclass(frozen=True, slots=True)
class Room:
    """What a reservation can still take: reserved less freed."""

    line: BudgetLine
    limit: Money


def check_shares(lines: Sequence[BudgetLine]) -> None:
    """Raises SharesNotWhole unless the lines bear the whole between them."""
    total = sum(one.share_bps for one in lines)
    if total != 10_000:
        raise SharesNotWhole(total_bps=total)


def reserve(lines: Sequence[BudgetLine], costs: Sequence[Money]) -> list[tuple[Money, ...]]:
    """Each offer's greatest cost, shared over the lines. Raises SharesNotWhole and BudgetShort."""
    check_shares(lines)
    weights = [one.share_bps for one in lines]
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


def fold(total: Money, rooms: Sequence[Room]) -> list[Money]:
    """Share a cumulative sum of commits over the lines, none above its room.

    By largest remainder on the shares; what a full line can't bear goes to the fallback line, then
    to the others in order. Raises ValueError when all rooms together are too small.
    """
    parts = largest_remainder(total.fen, [room.line.share_bps for room in rooms])
    parts = [min(part, room.limit.fen) for part, room in zip(parts, rooms, strict=True)]
    rest = total.fen - sum(parts)
    for i in sorted(range(len(rooms)), key=lambda i: not rooms[i].line.fallback):
        more = min(rest, rooms[i].limit.fen - parts[i])
        parts[i] += more
        rest -= more
    if rest:
        raise ValueError("commits exceed what was reserved")
    return [Money(part) for part in parts]
