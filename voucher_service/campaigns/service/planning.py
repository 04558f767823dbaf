"""Plan a programme, a campaign, its offers and its money, while it is a draft."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import BudgetId, BudgetLine
from voucher_service.infra import areas
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.idempotency import Outcome, once
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import (
    BudgetLineId,
    CampaignId,
    OfferId,
    ProgrammeId,
    ShopId,
    new_id,
)
from voucher_service.kernel.money import ZERO, Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Trade

from .. import store
from ..canary import split
from ..lifecycles import CAMPAIGN, OFFER
from ..model import (
    Campaign,
    CampaignKind,
    CampaignNotDraft,
    CampaignStatus,
    Mode,
    Offer,
    OfferPlan,
    PlanInvalid,
    Programme,
    ProgrammeExists,
    SlugTaken,
)
from ..plans import check_plan, spelt
from ..tables import CampaignRow, OfferRow, ProgrammeRow, ReleaseRow

TRADES = frozenset(str(one) for one in Trade)


def create_programme(
    core: Core,
    *,
    actor: Actor,
    slug: str,
    name: str,
    name_en: str,
    brand: str,
    opens_on: date,
    closes_on: date,
    synthetic: bool = False,
) -> Programme:
    """Announce a programme. Raises ProgrammeExists, PlanInvalid when it ends before it begins."""
    if opens_on > closes_on:
        raise PlanInvalid(extra={"errors": {"closes_on": ">= opens_on"}}, fields="closes_on")
    id = ProgrammeId(new_id())
    with core.transaction() as session:
        now = core.now(session)
        row = ProgrammeRow(
            id=id,
            slug=slug,
            name=name,
            name_en=name_en,
            brand=brand,
            opens_on=opens_on,
            closes_on=closes_on,
            synthetic=synthetic,
        )
        _insert(session, row, ProgrammeExists(slug=slug))
        _record(session, actor, "programme.created", "programme", id, now, {"slug": slug})
        return store.programme_of(row)


def create_campaign(
    core: Core,
    *,
    actor: Actor,
    programme: str,
    name: str,
    kind: CampaignKind,
    area: str,
    opens_on: date,
    closes_on: date,
    budget: BudgetId | None = None,
    key: str | None = None,
) -> Outcome[Campaign]:
    """Begin a campaign as a draft, within the actor's area; with a budget its lines draw on that.

    Raises NoSuchThing for an unknown programme, NotAllowed outside the area, PlanInvalid,
    BudgetNotFound.
    """
    body = {
        "programme": programme,
        "name": name,
        "kind": kind,
        "area": area,
        "opens_on": opens_on,
        "closes_on": closes_on,
        "budget": budget,
    }
    with core.transaction() as session:
        now = core.now(session)
        found = store.programmes(session, slug=programme)
        if not found:
            raise NoSuchThing
        _check_period(found[0], area, opens_on, closes_on)
        if not areas.within(area, actor.area):
            raise NotAllowed
        if budget is not None:
            budgets.check_budget(
                session, actor=actor, budget=budget, programme=found[0].id, area=area
            )
        id = CampaignId(new_id())
        earlier = once(session, scope=f"{actor.name}:campaign", key=key, body=body, result=id)
        if earlier is not None:
            return Outcome(store.campaign(session, CampaignId(earlier)), replayed=True)
        session.add(
            CampaignRow(
                id=id,
                programme_id=found[0].id,
                name=name,
                kind=kind,
                area=area,
                opens_on=opens_on,
                closes_on=closes_on,
                status=CAMPAIGN.initial,
                budget_id=budget,
                created_by=actor.name,
                created_at=now,
            )
        )
        session.flush()
        _record(session, actor, "campaign.created", "campaign", id, now, {"name": name})
        return Outcome(store.campaign(session, id))


def create_offer(
    core: Core, *, actor: Actor, campaign: CampaignId, plan: OfferPlan, key: str | None = None
) -> Outcome[Offer]:
    """Add an offer to a draft. Raises NoSuchThing, CampaignNotDraft, PlanInvalid, SlugTaken."""
    with core.transaction() as session:
        found = draft(session, actor, campaign)
        return add_offer(
            session, actor=actor, campaign=found, plan=plan, kind=CampaignKind.VOUCHER, key=key
        )


def add_offer(
    session: Session,
    *,
    actor: Actor,
    campaign: Campaign,
    plan: OfferPlan,
    kind: CampaignKind,
    key: str | None,
) -> Outcome[Offer]:
    """Add an offer to a locked draft that issues things of that kind; see `draft`.

    Raises PlanInvalid, SlugTaken.
    """
    core = core_of(session)
    now = core.now(session)
    if campaign.kind is not kind:
        raise PlanInvalid(extra={"errors": {"kind": str(campaign.kind)}}, fields="kind")
    if unknown := [one for one in plan.areas if not areas.known(one)]:
        raise PlanInvalid(extra={"errors": {"areas": ", ".join(unknown)}}, fields="areas")
    paper_max = Money(core.settings.till.paper_max_fen)
    checked, slice_ = split(check_plan(plan, campaign, TRADES, paper_max), core.settings.canary)
    if missing := _unknown_shops(session, checked.shops):
        raise PlanInvalid(extra={"errors": {"shops": ", ".join(missing)}}, fields="shops")
    id = OfferId(new_id())
    body = {"campaign": campaign.id, "plan": repr(plan)}
    earlier = once(session, scope=f"{actor.name}:offer", key=key, body=body, result=id)
    if earlier is not None:
        return Outcome(store.offer(session, OfferId(earlier)), replayed=True)
    _insert(session, _offer_row(id, campaign.id, checked), SlugTaken(slug=checked.slug))
    releases = [
        ReleaseRow(
            id=new_id(),
            offer_id=id,
            position=position,
            opens_at=one.opens_at,
            closes_at=one.closes_at,
            quota=one.quota,
        )
        for position, one in enumerate(checked.releases, 1)
    ]
    session.add_all(releases)
    session.flush()
    if slice_:
        seconds = core.settings.canary.seconds
        store.add_canary(session, id, rest=releases[1].id, quota=slice_, seconds=seconds)
    _record(session, actor, "offer.planned", "offer", id, now, {"campaign": str(campaign.id)})
    return Outcome(store.offer(session, id))


def add_budget_line(
    core: Core,
    *,
    actor: Actor,
    campaign: CampaignId,
    funder: str,
    amount: Money,
    share_bps: int,
    purpose_code: str = "",
    fallback: bool = False,
    shop_area: str = "",
    key: str | None = None,
) -> Outcome[BudgetLine]:
    """Plan money for a draft; with `shop_area` for what is redeemed at shops of that area only.

    Raises NoSuchThing, CampaignNotDraft, FunderUnknown, AllotmentMissing, LineExists, PlanInvalid.
    """
    if amount <= ZERO or not 0 <= share_bps <= 10_000:
        raise PlanInvalid(
            extra={"errors": {"amount_fen": "> 0", "share_bps": "0–10000"}}, fields="amount_fen"
        )
    body = {
        "campaign": campaign,
        "funder": funder,
        "amount": amount.fen,
        "share": share_bps,
        "purpose": purpose_code,
        "shop_area": shop_area,
    }
    with core.transaction() as session:
        now = core.now(session)
        found = draft(session, actor, campaign)
        if shop_area and (fallback or not _in(shop_area, found.area)):
            raise PlanInvalid(extra={"errors": {"shop_area": shop_area}}, fields="shop_area")
        id = BudgetLineId(new_id())
        earlier = once(session, scope=f"{actor.name}:budget_line", key=key, body=body, result=id)
        if earlier is not None:
            stands = budgets.lines(session, campaign=campaign)
            return Outcome(next(one for one in stands if one.id == earlier), replayed=True)
        line = budgets.add_line(
            session,
            campaign=campaign,
            budget=found.budget_id,
            funder=funder,
            amount=amount,
            share_bps=share_bps,
            purpose_code=purpose_code,
            fallback=fallback,
            shop_area=shop_area,
            id=id,
        )
        _record(
            session,
            actor,
            "budget_line.planned",
            "budget_line",
            id,
            now,
            {"amount_fen": amount.fen},
        )
        return Outcome(line)


def draft(session: Session, actor: Actor, id: CampaignId) -> Campaign:
    """The campaign, locked, if it is a draft of the actor's area.

    Raises NoSuchThing, CampaignNotDraft.
    """
    found = store.campaign(session, id, lock=True)
    if not areas.within(found.area, actor.area):
        raise NoSuchThing
    if found.status is not CampaignStatus.DRAFT:
        raise CampaignNotDraft(status=str(found.status))
    return found


def _in(area: str, whole: str) -> bool:
    return areas.known(area) and areas.within(area, whole)


def _check_period(programme: Programme, area: str, opens_on: date, closes_on: date) -> None:
    errors = {}
    if not programme.opens_on <= opens_on <= closes_on <= programme.closes_on:
        errors["opens_on"] = f"{programme.opens_on}–{programme.closes_on}"
    if not areas.known(area):
        errors["area"] = area
    if errors:
        raise PlanInvalid(extra={"errors": errors}, fields=", ".join(errors))


def _offer_row(id: OfferId, campaign: CampaignId, plan: OfferPlan) -> OfferRow:
    return OfferRow(
        id=id,
        campaign_id=campaign,
        slug=plan.slug or f"o-{id.hex[-12:]}",
        title=plan.title,
        kind=plan.kind,
        face_value_fen=plan.face_value,
        threshold_fen=plan.threshold,
        quota=plan.quota,
        per_resident_limit=plan.per_resident_limit,
        valid_days=plan.valid_days,
        areas=list(plan.areas),
        trades=list(plan.trades),
        rate_bps=plan.rate_bps,
        pieces=plan.pieces,
        shops=list(plan.shops),
        hours=spelt(plan.hours),
        weekdays=list(plan.weekdays),
        excluded_items=[str(one) for one in plan.excluded_items],
        stack_limit=plan.stack_limit,
        refund_rule=plan.refund_rule,
        partial_refund=plan.partial_refund,
        paper=plan.paper,
        lapse_returns=plan.lapse_returns,
        waiting_room=plan.waiting_room,
        proof_of_work=plan.proof_of_work,
        status=OFFER.initial,
        epoch=0,
        mode=Mode.GATE,
        gate_run_id="",
    )


def _unknown_shops(session: Session, shops: Sequence[ShopId]) -> list[str]:
    known = merchants.shop_names(session, shops=shops) if shops else {}
    return [str(one) for one in shops if one not in known]


def _insert(session: Session, row: Any, taken: Exception) -> None:
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise taken from error


def _record(
    session: Session,
    actor: Actor,
    action: str,
    kind: str,
    id: Any,
    now: datetime,
    detail: dict[str, Any],
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type=kind,
        object_id=str(id),
        now=now,
        detail=detail,
    )
