"""Lines of a campaign; reserve at publishing, fold commits, give back what was not spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import BudgetLineId, CampaignId, FunderId, OfferId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Leg, Stage, line, move, pool

from . import model
from .model import BudgetLine, Funder, FunderUnknown, Level, LineExists, Room
from .tables import BudgetLineRow, FunderRow, ReservationRow

_RESERVATION: Any = ReservationRow.__table__


def create_funder(
    core: Core, *, actor: Actor, code: str, name: str, level: Level, area: str
) -> Funder:
    """Enter a funder once; the same code again gives the one that stands."""
    with core.transaction() as session:
        row = session.scalars(select(FunderRow).where(FunderRow.code == code)).one_or_none()
        if row is None:
            row = FunderRow(id=new_id(), code=code, name=name, level=level, area=area)
            session.add(row)
            session.flush()
            audit.record(
                session,
                actor=actor,
                action="funder.created",
                object_type="funder",
                object_id=str(row.id),
                now=core.now(session),
                detail={"code": code},
            )
        return _funder(row)


def funders(core: Core) -> list[Funder]:
    """Every funder, by code."""
    with core.transaction() as session:
        return [_funder(row) for row in session.scalars(select(FunderRow).order_by(FunderRow.code))]


def add_line(
    session: Session,
    *,
    campaign: CampaignId,
    funder: str,
    amount: Money,
    share_bps: int,
    purpose_code: str,
    fallback: bool,
    id: BudgetLineId,
) -> BudgetLine:
    """Plan a line of a campaign that is still a draft; money moves when the campaign is approved.

    Raises FunderUnknown and LineExists.
    """
    found = session.scalars(select(FunderRow).where(FunderRow.code == funder)).one_or_none()
    if found is None:
        raise FunderUnknown(funder=funder)
    position = len(lines(session, campaign=campaign))
    row = BudgetLineRow(
        id=id,
        campaign_id=campaign,
        funder_id=found.id,
        position=position,
        amount_fen=amount,
        share_bps=share_bps,
        purpose_code=purpose_code,
        fallback=fallback,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise LineExists(funder=found.name) from error
    return _line(row, found)


def lines(session: Session, *, campaign: CampaignId, lock: bool = False) -> list[BudgetLine]:
    """The lines of a campaign in the order they were entered."""
    statement = (
        select(BudgetLineRow, FunderRow)
        .join(FunderRow, FunderRow.id == BudgetLineRow.funder_id)
        .where(BudgetLineRow.campaign_id == campaign)
        .order_by(BudgetLineRow.position, BudgetLineRow.id)
    )
    if lock:
        statement = statement.with_for_update(of=BudgetLineRow)
    return [_line(row, funder) for row, funder in session.execute(statement)]


def reserve(
    session: Session,
    *,
    campaign: CampaignId,
    costs: Mapping[OfferId, Money],
    key: str,
    now: datetime,
) -> None:
    """Fund the lines and set aside what each offer can cost at most. One approval, once.

    Raises SharesNotWhole and BudgetShort; then nothing is moved.
    """
    found = lines(session, campaign=campaign, lock=True)
    offers = list(costs)
    parts = model.reserve(found, [costs[offer] for offer in offers])
    for one in found:
        ledger.post(
            session,
            code=Code.FUNDED,
            key=f"{key}:{one.id}",
            legs=move(one.amount, line(one.id, Stage.APPROPRIATION), line(one.id, Stage.AVAILABLE)),
            now=now,
        )
    for offer, shares in zip(offers, parts, strict=True):
        legs = [
            Leg(line(one.id, Stage.AVAILABLE), -share)
            for one, share in zip(found, shares, strict=True)
        ]
        ledger.post(
            session,
            code=Code.PUBLISHED,
            key=str(offer),
            legs=[*legs, Leg(pool(offer, Stage.RESERVED), costs[offer])],
            now=now,
        )
        for one, share in zip(found, shares, strict=True):
            session.add(ReservationRow(line_id=one.id, offer_id=offer, reserved_fen=share))
    session.flush()


def fold(session: Session, *, campaign: CampaignId, offer: OfferId, now: datetime) -> Money:
    """Split the pool's new commits over the lines, exactly, under a lock on those lines.

    Returns what was folded. After it, every funder's sum is exact.
    """
    found = lines(session, campaign=campaign, lock=True)
    held = _reservations(session, offer)
    unfolded = ledger.balance(session, pool(offer, Stage.COMMITTED))
    if unfolded == ZERO:
        return ZERO
    before = [held[one.id].folded for one in found]
    rooms = [Room(one, held[one.id].reserved - held[one.id].freed) for one in found]
    after = model.fold(Money.total(before) + unfolded, rooms)
    legs = [
        Leg(line(one.id, Stage.COMMITTED), new - old)
        for one, old, new in zip(found, before, after, strict=True)
    ]
    ledger.post(
        session,
        code=Code.FOLDED,
        key=str(new_id()),
        legs=[Leg(pool(offer, Stage.COMMITTED), -unfolded), *legs],
        now=now,
    )
    for one, new in zip(found, after, strict=True):
        _set(session, one.id, offer, folded_fen=new)
    return unfolded


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


class _Held:
    __slots__ = ("folded", "freed", "reserved")

    def __init__(self, row: ReservationRow) -> None:
        self.reserved, self.folded, self.freed = row.reserved_fen, row.folded_fen, row.freed_fen


def _reservations(session: Session, offer: OfferId) -> dict[Any, _Held]:
    rows = session.scalars(
        select(ReservationRow)
        .where(ReservationRow.offer_id == offer)
        .execution_options(populate_existing=True)
    )
    return {row.line_id: _Held(row) for row in rows}


def _set(session: Session, line_id: BudgetLineId, offer: OfferId, **values: Money) -> None:
    session.execute(
        update(_RESERVATION)
        .where(_RESERVATION.c.line_id == line_id, _RESERVATION.c.offer_id == offer)
        .values(**values)
    )


def _funder(row: FunderRow) -> Funder:
    return Funder(FunderId(row.id), row.code, row.name, row.level, row.area)


def _line(row: BudgetLineRow, funder: FunderRow) -> BudgetLine:
    return BudgetLine(
        BudgetLineId(row.id),
        CampaignId(row.campaign_id),
        _funder(funder),
        row.amount_fen,
        row.share_bps,
        row.purpose_code,
        row.fallback,
    )


def covers(found: Sequence[BudgetLine], costs: Sequence[Money]) -> None:
    """Raises SharesNotWhole or BudgetShort when the lines can't bear the costs."""
    model.reserve(found, costs)
