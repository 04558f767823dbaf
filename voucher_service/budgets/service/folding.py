"""Split an offer's commits over its lines, exactly; settle what was paid out; free what no voucher
stands against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.ids import BudgetLineId, CampaignId, OfferId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Account, Code, FundsShort, Leg, Stage, line, pool

from .. import model, store
from ..model import BudgetLine, Room
from ..tables import BudgetLineRow, ReservationRow
from .lines import lines

_RESERVATION = cast(Table, ReservationRow.__table__)


@dataclass(frozen=True, slots=True)
class _Held:
    reserved: Money
    folded: Money
    freed: Money
    redeemed: Money


def fold(
    session: Session,
    *,
    campaign: CampaignId,
    offer: OfferId,
    now: datetime,
    clawed: Money = ZERO,
) -> Money:
    """Split the pool's new commits over the lines, exactly, under a lock on those lines.

    Returns what was folded, less than nothing when more was refunded. `clawed`: what of the refunds
    was paid out before; it comes off what the lines settled. After it, every funder's sum is exact.
    """
    found = lines(session, campaign=campaign, lock=True)
    held = _reservations(session, offer)
    new = _unfolded(session, found, offer)
    if not any(new.values()) and not clawed:
        return ZERO
    rooms = [_room(one, held[one.id], new) for one in found]
    if any(one.shop_area for one in found):
        rooms = _relieve(session, found, rooms, now)
    before = [held[one.id].folded for one in found]
    unfolded = Money.total(new.values())
    after = model.fold(Money.total(before) + unfolded, rooms)
    changes = [share - earlier for earlier, share in zip(before, after, strict=True)]
    shares = [
        Leg(line(one.id, Stage.COMMITTED), by) for one, by in zip(found, changes, strict=True)
    ]
    if clawed:
        shares = _unsettled(session, found, changes, clawed)
    ledger.post(
        session,
        code=Code.FOLDED,
        key=str(new_id()),
        legs=[*(Leg(_committed(offer, area), -amount) for area, amount in new.items()), *shares],
        now=now,
    )
    for room, share in zip(rooms, after, strict=True):
        freed = held[room.line.id].freed
        _set(
            session,
            room.line.id,
            offer,
            reserved_fen=room.limit + freed,
            folded_fen=share,
            redeemed_fen=room.redeemed,
        )
    return unfolded


def unfolded(
    session: Session, *, offers: Sequence[tuple[CampaignId, OfferId]]
) -> list[tuple[CampaignId, OfferId]]:
    """Those of these offers whose pools have commits, or refunds, that were not folded yet."""
    of = [BudgetLineRow.campaign_id.in_({campaign for campaign, _ in offers})]
    apart: dict[CampaignId, set[str]] = {}
    for one in store.lines(session, *of, BudgetLineRow.shop_area != ""):
        apart.setdefault(one.campaign_id, set()).add(one.shop_area)
    accounts = {
        _committed(offer, area): (campaign, offer)
        for campaign, offer in offers
        for area in ("", *apart.get(campaign, ()))
    }
    there = ledger.balances(session, accounts)
    return list(dict.fromkeys(accounts[one] for one, amount in there.items() if amount))


def settle(
    session: Session,
    *,
    campaign: CampaignId,
    amount: Money,
    key: str,
    now: datetime,
    wanted: Mapping[BudgetLineId, Money] | None = None,
) -> dict[BudgetLineId, Money]:
    """Record that so much of what is committed was paid to merchants; by line. Fold first.

    Each line bears what is `wanted` of it, as far as it has that committed, else by what it has
    committed. Raises FundsShort when all have less, ValueError when other than the amount is
    wanted.
    """
    found = lines(session, campaign=campaign, lock=True)
    committed = _on_lines(session, found)
    if amount > Money.total(committed):
        raise FundsShort(short=amount - Money.total(committed))
    wishes = None if wanted is None else [wanted.get(one.id, ZERO) for one in found]
    parts = model.borne(amount, committed, wishes)
    legs = [
        leg
        for one, part in zip(found, parts, strict=True)
        for leg in (
            Leg(line(one.id, Stage.COMMITTED), -part),
            Leg(line(one.id, Stage.SETTLED), part),
        )
    ]
    ledger.post(session, code=Code.SETTLED, key=key, legs=legs, now=now)
    return {one.id: part for one, part in zip(found, parts, strict=True)}


def unsettle(
    session: Session,
    *,
    campaign: CampaignId,
    amount: Money,
    key: str,
    now: datetime,
    wanted: Mapping[BudgetLineId, Money],
) -> None:
    """Record that so much of what was settled came back from the bank: it is committed again.

    It comes off each line as `wanted`, as far as that settled it, else off the others. Raises
    FundsShort when all settled less, ValueError when other than the amount is wanted.
    """
    found = lines(session, campaign=campaign, lock=True)
    accounts = [line(one.id, Stage.SETTLED) for one in found]
    settled = list(ledger.balances(session, accounts).values())
    if amount > Money.total(settled):
        raise FundsShort(short=amount - Money.total(settled))
    parts = model.borne(amount, settled, [wanted.get(one.id, ZERO) for one in found])
    legs = [
        leg
        for one, part in zip(found, parts, strict=True)
        for leg in (
            Leg(line(one.id, Stage.SETTLED), -part),
            Leg(line(one.id, Stage.COMMITTED), part),
        )
    ]
    ledger.post(session, code=Code.SENT_BACK, key=key, legs=legs, now=now)


def foreseen(session: Session, *, campaign: CampaignId, amount: Money) -> dict[BudgetLineId, Money]:
    """Which lines will bear a payment, by what each has committed. Fold first.

    That may be less than the amount, or nothing: what was refunded since a batch was drafted is
    paid with it and netted off later.
    """
    found = lines(session, campaign=campaign)
    committed = _on_lines(session, found)
    weights = committed if any(committed) else [one.amount for one in found]
    parts = amount.split([one.fen for one in weights])
    return {one.id: part for one, part in zip(found, parts, strict=True)}


def free(session: Session, *, campaign: CampaignId, offer: OfferId, now: datetime) -> Money:
    """Give what no voucher stands against back to the lines, by what each has left. Fold first."""
    found = lines(session, campaign=campaign, lock=True)
    held = _reservations(session, offer)
    amount = ledger.balance(session, pool(offer, Stage.RESERVED))
    if amount == ZERO:
        return ZERO
    left = [held[one.id].reserved - held[one.id].folded - held[one.id].freed for one in found]
    parts = amount.split([one.fen for one in left])
    legs = [
        Leg(line(one.id, Stage.AVAILABLE), part) for one, part in zip(found, parts, strict=True)
    ]
    ledger.post(
        session,
        code=Code.CLOSED,
        key=str(new_id()),
        legs=[Leg(pool(offer, Stage.RESERVED), -amount), *legs],
        now=now,
    )
    for one, part in zip(found, parts, strict=True):
        _set(session, one.id, offer, freed_fen=held[one.id].freed + part)
    return amount


def folded(session: Session, *, offer: OfferId) -> Money:
    """What of an offer's commits the lines bear."""
    return Money.total(one.folded for one in _reservations(session, offer).values())


def _unsettled(
    session: Session, found: Sequence[BudgetLine], changes: Sequence[Money], clawed: Money
) -> list[Leg]:
    """The legs of the lines when some of what they settled comes off again, by what each settled.

    A line's committed and settled money change together as `changes` says.
    """
    stages = (Stage.COMMITTED, Stage.SETTLED)
    there = ledger.balances(session, [line(one.id, stage) for one in found for stage in stages])
    settled = [there[line(one.id, Stage.SETTLED)] for one in found]
    off = min(clawed, Money.total(settled))
    parts = off.split([one.fen for one in settled]) if off else [ZERO for _ in found]
    wholes = [
        there[line(one.id, Stage.COMMITTED)] + held + by
        for one, held, by in zip(found, settled, changes, strict=True)
    ]
    # Neither stage falls below nothing, and what all settled falls by what was clawed back.
    wanted = [held - part for held, part in zip(settled, parts, strict=True)]
    left = model.borne(Money.total(wanted), wholes, wanted)
    return [
        leg
        for one, by, held, stays in zip(found, changes, settled, left, strict=True)
        for leg in (
            Leg(line(one.id, Stage.COMMITTED), by + held - stays),
            Leg(line(one.id, Stage.SETTLED), stays - held),
        )
    ]


def _unfolded(session: Session, found: Sequence[BudgetLine], offer: OfferId) -> dict[str, Money]:
    """What was committed since the last fold, by shop area with a line of its own; "" elsewhere."""
    accounts = {area: _committed(offer, area) for area in ["", *model.shop_areas(found)]}
    there = ledger.balances(session, accounts.values())
    return {area: there[account] for area, account in accounts.items()}


def _on_lines(session: Session, found: Sequence[BudgetLine]) -> list[Money]:
    """What each line has committed."""
    return list(ledger.balances(session, [line(one.id, Stage.COMMITTED) for one in found]).values())


def _committed(offer: OfferId, area: str) -> Account:
    return pool(offer, Stage.COMMITTED, shop_area=area)


def _room(one: BudgetLine, held: _Held, new: Mapping[str, Money]) -> Room:
    within = Money.total(
        amount
        for area, amount in new.items()
        if one.shop_area and area and areas.within(area, one.shop_area)
    )
    return Room(one, held.reserved - held.freed, held.redeemed + within)


def _relieve(
    session: Session,
    found: Sequence[BudgetLine],
    rooms: Sequence[Room],
    now: datetime,
) -> list[Room]:
    """Move room, and the money in it, between the fallback line and those of shop areas."""
    accounts = [line(one.id, Stage.AVAILABLE) for one in found]
    there = ledger.balances(session, accounts)
    known = [
        replace(room, available=there[account])
        for room, account in zip(rooms, accounts, strict=True)
    ]
    shifts = model.relieve(known)
    # Who gets room pays for it out of what is available; who gives it has that much more.
    legs = [Leg(account, -shift) for account, shift in zip(accounts, shifts, strict=True)]
    ledger.post(session, code=Code.RELIEVED, key=str(new_id()), legs=legs, now=now)
    return [
        replace(room, limit=room.limit + shift) for room, shift in zip(known, shifts, strict=True)
    ]


def _reservations(session: Session, offer: OfferId) -> dict[UUID, _Held]:
    rows = session.scalars(
        select(ReservationRow)
        .where(ReservationRow.offer_id == offer)
        .execution_options(populate_existing=True)
    )
    return {
        row.line_id: _Held(row.reserved_fen, row.folded_fen, row.freed_fen, row.redeemed_fen)
        for row in rows
    }


def _set(session: Session, line_id: BudgetLineId, offer: OfferId, **values: Any) -> None:
    session.execute(
        update(_RESERVATION)
        .where(_RESERVATION.c.line_id == line_id, _RESERVATION.c.offer_id == offer)
        .values(**values)
    )
