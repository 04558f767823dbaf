"""Lines of a campaign: plan, fund and reserve at publishing, and send home what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import BudgetLineId, CampaignId, OfferId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, FundsShort, Leg, Stage, line, move, pool

from .. import model, store
from ..model import Allotment, BudgetId, BudgetLine
from ..refusals import AllotmentMissing, BudgetShort, FunderUnknown, LineExists
from ..tables import AllotmentRow, BudgetLineRow, FunderRow, FundRow, ReservationRow
from .giving import Place, give, take_back

# What vouchers of an offer could still cost a line: claimed, or frozen at a till.
_OUT = (Stage.OUTSTANDING, Stage.FROZEN)


def add_line(
    session: Session,
    *,
    campaign: CampaignId,
    budget: BudgetId | None,
    funder: str,
    amount: Money,
    share_bps: int,
    purpose_code: str,
    fallback: bool,
    shop_area: str,
    id: BudgetLineId,
) -> BudgetLine:
    """Plan a line of a campaign that is still a draft; money moves when the campaign is approved.

    With a budget the line draws on what the budget was given of the funder for that purpose, the
    oldest fund that suffices. Raises FunderUnknown, AllotmentMissing and LineExists.
    """
    found = store.funders(session, FunderRow.code == funder)
    if not found:
        raise FunderUnknown(funder=funder)
    source = None
    if budget is not None:
        source = _source(session, budget, found[0].name, funder, purpose_code, amount)
    row = BudgetLineRow(
        id=id,
        campaign_id=campaign,
        funder_id=found[0].id,
        position=len(lines(session, campaign=campaign)),
        amount_fen=amount,
        share_bps=share_bps,
        purpose_code=purpose_code,
        fallback=fallback,
        shop_area=shop_area,
        allotment_id=source and source.id,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise LineExists(funder=found[0].name) from error
    return store.line_of(row, found[0])


def lines(session: Session, *, campaign: CampaignId, lock: bool = False) -> list[BudgetLine]:
    """The lines of a campaign in the order they were entered."""
    return store.lines(session, BudgetLineRow.campaign_id == campaign, lock=lock)


def line_of(session: Session, *, line: BudgetLineId) -> BudgetLine:
    """One line. Raises NoSuchThing."""
    found = store.lines(session, BudgetLineRow.id == line)
    if not found:
        raise NoSuchThing
    return found[0]


def shop_areas(session: Session, *, campaign: CampaignId) -> list[str]:
    """The areas whose shops' redemptions are kept apart, a part before the whole it lies in."""
    return model.shop_areas(lines(session, campaign=campaign))


def covers(session: Session, found: Sequence[BudgetLine], costs: Sequence[Money]) -> None:
    """Raises what `model.reserve` does when the lines can't bear the costs, and BudgetShort when
    the budget behind a line holds less than the line promises.
    """
    model.reserve(found, costs)
    behind = {one.id: one for one in _behind(session, found)}
    for one in found:
        if one.allotment_id and behind[one.allotment_id].available < one.amount:
            raise BudgetShort(
                funder=one.funder.name,
                needed=one.amount,
                amount=behind[one.allotment_id].available,
            )


def reserve(
    session: Session,
    *,
    campaign: CampaignId,
    costs: Mapping[OfferId, Money],
    key: str,
    now: datetime,
) -> None:
    """Fund the lines and set aside what each offer can cost at most. One approval, once.

    A line without a budget behind it is funded by the approval itself. Raises SharesNotWhole and
    BudgetShort; then nothing is moved.
    """
    found = lines(session, campaign=campaign, lock=True)
    offers = list(costs)
    parts = model.reserve(found, [costs[offer] for offer in offers])
    _fund(session, found, key, now)
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


def send_home(session: Session, *, campaign: CampaignId, now: datetime) -> Money:
    """What the lines of a closed campaign still have goes back to the budget, or to the treasury.

    Lines of shop areas keep what vouchers that are still out could cost them at most.
    """
    found = lines(session, campaign=campaign, lock=True)
    accounts = [line(one.id, Stage.AVAILABLE) for one in found]
    offers = store.offers(session, found)
    out = [pool(offer, stage) for offer in offers for stage in _OUT]
    there = ledger.balances(session, [*accounts, *out])
    live = Money.total(there[one] for one in out)
    sent = ZERO
    for one, account in zip(found, accounts, strict=True):
        kept = -(-live.fen * one.share_bps // 10_000) if one.shop_area else 0
        left = Money(max(0, there[account].fen - kept))
        if left == ZERO:
            continue
        key = f"{one.id}:{new_id()}"
        if one.allotment_id is None:
            target = line(one.id, Stage.RETURNED)
            ledger.post(
                session, code=Code.SENT_HOME, key=key, legs=move(left, account, target), now=now
            )
        else:
            take_back(
                session,
                Place.line(one.id),
                Place.allotment(one.allotment_id),
                amount=left,
                code=Code.SENT_HOME,
                key=key,
                now=now,
                keep_record=True,
            )
        sent += left
    return sent


def _fund(session: Session, found: Sequence[BudgetLine], key: str, now: datetime) -> None:
    store.lock(session, funds=[], allotments=[one.id for one in _behind(session, found)])
    for one in found:
        named = f"{key}:{one.id}"
        if one.allotment_id is None:
            legs = move(
                one.amount, line(one.id, Stage.APPROPRIATION), line(one.id, Stage.AVAILABLE)
            )
            ledger.post(session, code=Code.FUNDED, key=named, legs=legs, now=now)
            continue
        try:
            give(
                session,
                Place.allotment(one.allotment_id),
                Place.line(one.id),
                amount=one.amount,
                code=Code.FUNDED,
                key=named,
                now=now,
            )
        except FundsShort as error:
            short = error.params["short"]
            raise BudgetShort(
                funder=one.funder.name, needed=one.amount, amount=one.amount - short
            ) from error


def _behind(session: Session, found: Sequence[BudgetLine]) -> list[Allotment]:
    ids = [one.allotment_id for one in found if one.allotment_id]
    return store.allotments(session, AllotmentRow.id.in_(ids)) if ids else []


def _source(
    session: Session, budget: BudgetId, name: str, funder: str, purpose_code: str, amount: Money
) -> Allotment:
    found = store.allotments(
        session,
        AllotmentRow.budget_id == budget,
        FunderRow.code == funder,
        FundRow.purpose_code == purpose_code,
    )
    if not found:
        raise AllotmentMissing(funder=name, purpose=purpose_code or "–")
    enough = (one for one in found if one.available >= amount)
    return next(enough, found[0])
