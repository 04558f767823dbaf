"""Set a replay's stage through the real services: programme, funders, campaigns, people, shops."""

from __future__ import annotations

import contextlib
import itertools
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from voucher_service.approvals.model import MOST_SIGNATURES
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferKind, OfferPlan, ProgrammeExists, ReleasePlan
from voucher_service.identity import service as identity
from voucher_service.identity.model import SyntheticPerson
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock, start_of
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SizeClass, SyntheticShop, Trade

from . import fields_stage
from .plan import Plan, PlannedCampaign, PlannedOffer
from .players import player
from .publish import WantedCampaign, WantedLine, publish

_PEOPLE_AT_ONCE = 2_000


@dataclass(frozen=True)
class Stage:
    """What players need: each offer's id by slug, residents' and cashiers' ids by index, and who
    of the staff decides applications: a reviewer first, then the approvers.
    """

    offers: dict[str, UUID]
    residents: list[UUID]
    cashiers: list[UUID]
    staff: list[UUID]

    def save(self, path: Path) -> None:
        """Keep it for a resumed run; renamed into place, so it is there whole or not at all."""
        text = json.dumps(
            {
                "offers": {slug: str(id) for slug, id in self.offers.items()},
                "residents": [str(id) for id in self.residents],
                "cashiers": [str(id) for id in self.cashiers],
                "staff": [str(id) for id in self.staff],
            }
        )
        draft = path.with_suffix(".draft")
        draft.write_text(text, "utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Stage:
        """What `save` kept."""
        values = json.loads(path.read_text("utf-8"))
        return cls(
            {slug: UUID(id) for slug, id in values["offers"].items()},
            [UUID(id) for id in values["residents"]],
            [UUID(id) for id in values["cashiers"]],
            [UUID(id) for id in values["staff"]],
        )

    @property
    def reviewer(self) -> Actor:
        """Who checks applications first."""
        return Actor(ActorKind.STAFF, self.staff[0], frozenset({Role.REVIEWER}))

    @property
    def approvers(self) -> list[Actor]:
        """Who approves for the city, as many as may ever be needed."""
        roles = frozenset({Role.APPROVER})
        return [Actor(ActorKind.STAFF, id, roles) for id in self.staff[1:]]


def build(core: Core, plan: Plan) -> Stage:
    """Everything a replay plays on, on the eve of the programme. Safe to run again after a kill."""
    eve = start_of(plan.programme.opens_on) - timedelta(days=1)
    then = with_clock(core, Clock(eve))
    _announce(then, plan)
    planner = player(then, Role.PLANNER, of="replay")
    approvers = [player(then, Role.APPROVER, of="replay") for _ in range(MOST_SIGNATURES)]
    offers: dict[str, UUID] = {}
    for planned in plan.campaigns:
        found = publish(then, _wanted(plan, planned), planner=planner, approvers=approvers)
        _, standing, _ = campaigns.campaign(then, actor=planner, campaign=found.id)
        offers |= {one.slug: UUID(str(one.id)) for one in standing}
    for targets in plan.targets.fields:
        if targets.units:
            publish(then, fields_stage.wanted(plan, targets), planner=planner, approvers=approvers)
    fields_stage.stock(then, plan, planner=planner, approvers=approvers)
    reviewer = player(then, Role.REVIEWER, of="replay")
    staff = [UUID(str(one.id)) for one in (reviewer, *approvers)]
    return Stage(offers, _people(then, plan, eve), _shops(then, plan, eve), staff)


def _announce(core: Core, plan: Plan) -> None:
    programme = plan.programme
    # It stands already in a resumed run.
    with contextlib.suppress(ProgrammeExists):
        campaigns.create_programme(
            core,
            actor=SYSTEM,
            slug=programme.slug,
            name=programme.name.zh,
            name_en=programme.name.en,
            brand="moyang",
            opens_on=programme.opens_on,
            closes_on=programme.closes_on,
            synthetic=True,
        )
    for one in programme.assumed.funders:
        budgets.create_funder(
            core, actor=SYSTEM, code=one.slug, name=one.name.zh, level=one.level, area=one.area
        )


def _wanted(plan: Plan, planned: PlannedCampaign) -> WantedCampaign:
    return WantedCampaign(
        programme=plan.programme.slug,
        name=planned.name.zh,
        area=planned.area,
        opens_on=planned.opens_on,
        closes_on=planned.closes_on,
        offers=tuple(_offer_plan(one) for one in planned.offers),
        lines=tuple(
            WantedLine(one.funder.slug, Money(one.amount_fen), one.share_bps)
            for one in planned.budgets
        ),
    )


def _offer_plan(offer: PlannedOffer) -> OfferPlan:
    return OfferPlan(
        title=offer.title.zh,
        kind=OfferKind.THRESHOLD,
        face_value=Money(offer.lot.face_fen),
        threshold=Money(offer.lot.threshold_fen),
        quota=offer.lot.quota,
        per_resident_limit=offer.per_resident_limit,
        valid_days=offer.valid_days,
        areas=(offer.area,),
        trades=offer.trades,
        releases=tuple(
            ReleasePlan(one.opens_at, one.quota, one.closes_at) for one in offer.releases
        ),
        slug=offer.slug,
        lapse_returns=False,
    )


def _people(core: Core, plan: Plan, at: datetime) -> list[UUID]:
    ids: list[UUID] = []
    persons = (SyntheticPerson(one.mobile, one.name, one.id_number) for one in plan.residents())
    while batch := list(itertools.islice(persons, _PEOPLE_AT_ONCE)):
        identity.register_synthetic(core, people=batch, now=at)
        with core.transaction() as session:
            found = identity.by_mobile(
                session, keyring=core.keyring, mobiles=[one.mobile for one in batch]
            )
        ids += [found[one.mobile] for one in batch]
    return ids


def _shops(core: Core, plan: Plan, at: datetime) -> list[UUID]:
    shops = [
        SyntheticShop(
            merchant_name=plan.merchants[one.merchant].name,
            uscc=plan.merchants[one.merchant].uscc,
            size_class=SizeClass(plan.merchants[one.merchant].size_class),
            shop_name=one.name,
            area=one.area,
            trade=Trade(one.trade),
        )
        for one in plan.shops
    ]
    tills = merchants.register_synthetic_shops(core, shops=shops, now=at)
    return [UUID(str(one.cashier_id)) for one in tills]


def offer_id(stage: Stage, offer: PlannedOffer) -> OfferId:
    """The id of a planned offer."""
    return OfferId(stage.offers[offer.slug])
