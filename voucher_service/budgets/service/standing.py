"""Where each fen stands: of a fund, a budget with its parts, or a campaign, at any instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import BudgetLineId, CampaignId, OfferId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Account, Owner, pool

from .. import model, store, sums
from ..model import Allotment, Budget, BudgetId, BudgetLine, Fund, FundId
from ..sums import Sums
from ..tables import AllotmentRow, BudgetLineRow, FundRow
from .planning import mine


@dataclass(frozen=True, slots=True)
class Spot:
    """One place with its sums: a fund, an allotment or a line; `fund` is whose money it is, None
    for a line without a budget behind it.
    """

    owner: Owner
    id: UUID
    sums: Sums
    funder: str
    fund: Fund | None = None
    budget_id: BudgetId | None = None
    line: BudgetLine | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Every place of a fund, budget or campaign, from the top down, and all of them as one."""

    spots: tuple[Spot, ...]
    total: Sums


def fund_standing(
    core: Core, *, actor: Actor, fund: FundId, at: datetime | None = None
) -> Standing:
    """Where the money of a fund stands, down to the lines. Raises NoSuchThing."""
    with core.transaction() as session:
        found = store.fund(session, fund)
        if not areas.within(found.funder.area, actor.area):
            raise NoSuchThing
        allotments = store.allotments(session, AllotmentRow.fund_id == fund)
        return _standing(session, [found], allotments, _lines(session, allotments), at, top=[fund])


def funds_standing(core: Core, *, actor: Actor, at: datetime | None = None) -> dict[FundId, Sums]:
    """The sums of every fund in the actor's area, each with all that came of it."""
    with core.transaction() as session:
        funds = [one for one in store.funds(session) if areas.within(one.funder.area, actor.area)]
        allotments = store.allotments(session, FundRow.id.in_([one.id for one in funds]))
        spots = _spots(session, funds, allotments, _lines(session, allotments), at)
    return {
        one.id: sums.together(
            [spot.sums for spot in spots if spot.id == one.id],
            [spot.sums for spot in spots if spot.fund and spot.fund.id == one.id],
        )
        for one in funds
    }


def budget_standing(
    core: Core, *, actor: Actor, budget: BudgetId, at: datetime | None = None
) -> Standing:
    """Where the money of a budget and its parts stands. Raises NoSuchThing."""
    with core.transaction() as session:
        mine(session, actor, budget)
        return _of_budget(session, budget, at)


def budgets_standing(
    core: Core, *, actor: Actor, budgets: Sequence[BudgetId], at: datetime | None = None
) -> dict[BudgetId, Sums]:
    """The sums of budgets of the actor's area, each with its parts. Raises NoSuchThing."""
    with core.transaction() as session:
        family = store.budgets(session)
        parts = {id: model.parts_of(id, family) for id in budgets}
        if any(
            not found or not areas.within(found[0].area, actor.area) for found in parts.values()
        ):
            raise NoSuchThing
        ids = {one.id for found in parts.values() for one in found}
        allotments = store.allotments(session, AllotmentRow.budget_id.in_(ids))
        spots = _spots(session, [], allotments, _lines(session, allotments), at)
    return {id: _total(found, allotments, spots) for id, found in parts.items()}


def campaign_standing(core: Core, *, campaign: CampaignId, at: datetime | None = None) -> Standing:
    """Where the money of a campaign's lines stands; the caller judges who may know."""
    with core.transaction() as session:
        found = store.lines(session, BudgetLineRow.campaign_id == campaign)
        return _standing(session, [], [], found, at, top=[one.id for one in found])


def line_standing(core: Core, *, line: BudgetLineId, at: datetime | None = None) -> Spot:
    """Where the money of one line stands; the caller judges who may know. Raises NoSuchThing."""
    with core.transaction() as session:
        found = store.lines(session, BudgetLineRow.id == line)
        if not found:
            raise NoSuchThing
        whole = store.lines(session, BudgetLineRow.campaign_id == found[0].campaign_id)
        spots = _spots(session, [], _behind(session, whole), whole, at)
        return next(one for one in spots if one.id == line)


def _of_budget(session: Session, budget: BudgetId, at: datetime | None) -> Standing:
    parts = store.below(session, budget)
    ids = {one.id for one in parts}
    allotments = store.allotments(session, AllotmentRow.budget_id.in_(ids))
    spots = _spots(session, [], allotments, _lines(session, allotments), at)
    return Standing(tuple(spots), _total(parts, allotments, spots))


def _total(parts: Sequence[Budget], allotments: Sequence[Allotment], spots: Sequence[Spot]) -> Sums:
    """The sums of a budget, which is the first, and its parts, out of spots that may be of more."""
    of = {one.id: one for one in parts}
    # What a part has from its own funder did not come down from the budget above it.
    top = {
        one.id
        for one in allotments
        if (part := of.get(one.budget_id)) is not None
        and (part is parts[0] or areas.within(one.fund.funder.area, part.area))
    }
    inside = [one for one in spots if one.budget_id in of]
    return sums.together(
        [one.sums for one in inside if one.id in top], [one.sums for one in inside]
    )


def _standing(
    session: Session,
    funds: Sequence[Fund],
    allotments: Sequence[Allotment],
    lines: Sequence[BudgetLine],
    at: datetime | None,
    *,
    top: Sequence[UUID],
) -> Standing:
    spots = _spots(session, funds, allotments, lines, at)
    highest = [one.sums for one in spots if one.id in set(top)]
    return Standing(tuple(spots), sums.together(highest, [one.sums for one in spots]))


def _spots(
    session: Session,
    funds: Sequence[Fund],
    allotments: Sequence[Allotment],
    lines: Sequence[BudgetLine],
    at: datetime | None,
) -> list[Spot]:
    # A campaign's pools are shared by all its lines, so that all of them must be looked at.
    campaigns = {one.campaign_id for one in lines}
    everyone = store.lines(session, BudgetLineRow.campaign_id.in_(campaigns)) if campaigns else []
    offers = store.offers_by_campaign(session, everyone)
    accounts = [*_accounts(funds, allotments, everyone), *_pools(offers, everyone)]
    there = ledger.balances(session, accounts, at=at)
    shown = {one.id for one in lines}
    known = {one.id: one for one in allotments}
    spots = [
        Spot(Owner.FUND, one.id, sums.own(Owner.FUND, one.id, there), one.funder.name, one)
        for one in funds
    ]
    spots += [
        Spot(
            Owner.ALLOTMENT,
            one.id,
            sums.own(Owner.ALLOTMENT, one.id, there),
            one.fund.funder.name,
            one.fund,
            one.budget_id,
        )
        for one in allotments
    ]
    for campaign in campaigns:
        members = [one for one in everyone if one.campaign_id == campaign]
        pooled = _pooled(offers.get(campaign, ()), members, there)
        shares = sums.with_pools([sums.own(Owner.LINE, one.id, there) for one in members], pooled)
        spots += [
            _line_spot(one, share, known.get(one.allotment_id) if one.allotment_id else None)
            for one, share in zip(members, shares, strict=True)
            if one.id in shown
        ]
    return spots


def _line_spot(one: BudgetLine, share: Sums, source: Allotment | None) -> Spot:
    fund = source.fund if source else None
    budget = source.budget_id if source else None
    return Spot(Owner.LINE, one.id, share, one.funder.name, fund, budget, one)


def _accounts(
    funds: Sequence[Fund], allotments: Sequence[Allotment], lines: Sequence[BudgetLine]
) -> Iterable[Account]:
    places: list[tuple[Owner, UUID]] = [(Owner.FUND, one.id) for one in funds]
    places += [(Owner.ALLOTMENT, one.id) for one in allotments]
    places += [(Owner.LINE, one.id) for one in lines]
    return (Account(owner, id, stage) for owner, id in places for stage in sums.STAGES)


def _pools(
    offers: dict[CampaignId, list[OfferId]], lines: Sequence[BudgetLine]
) -> Iterable[Account]:
    for campaign, ids in offers.items():
        apart = model.shop_areas([one for one in lines if one.campaign_id == campaign])
        for offer in ids:
            yield from (
                pool(offer, stage, shop_area=area)
                for stage in sums.POOL_STAGES
                for area in ("", *apart)
            )


def _pooled(
    offers: Iterable[OfferId], lines: Sequence[BudgetLine], there: dict[Account, Money]
) -> Sums:
    total: dict[str, Money] = {}
    for offer in offers:
        for stage, name in sums.POOL_STAGES.items():
            for area in ("", *model.shop_areas(lines)):
                amount = there[pool(offer, stage, shop_area=area)]
                total[name] = total.get(name, ZERO) + amount
    return Sums(**total)


def _lines(session: Session, allotments: Sequence[Allotment]) -> list[BudgetLine]:
    ids = [one.id for one in allotments]
    return store.lines(session, BudgetLineRow.allotment_id.in_(ids)) if ids else []


def _behind(session: Session, lines: Sequence[BudgetLine]) -> list[Allotment]:
    ids = [one.allotment_id for one in lines if one.allotment_id]
    return store.allotments(session, AllotmentRow.id.in_(ids)) if ids else []
