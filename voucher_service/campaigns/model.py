"""What may be planned, the lifecycles of a campaign and an offer, and what an offer is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from voucher_service.budgets.model import BudgetId
from voucher_service.infra import areas
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import day_of, end_of, start_of
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId, ReleaseId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import ZERO, Money


class CampaignKind(StrEnum):
    """What a campaign issues."""

    VOUCHER = "voucher"
    TRADE_IN = "trade_in"


class OfferKind(StrEnum):
    """How a voucher's benefit is computed."""

    THRESHOLD = "threshold"
    FIXED = "fixed"


class Mode(StrEnum):
    """Who hands out slots: the gate, or PostgreSQL alone while the gate is away."""

    GATE = "gate"
    DEGRADED = "degraded"


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PUBLISHED = "published"
    PAUSED = "paused"
    CLOSED = "closed"


class CampaignEvent(StrEnum):
    """What happens to a campaign."""

    SUBMITTED = "campaign.submitted"
    SENT_BACK = "campaign.sent_back"
    PUBLISHED = "campaign.published"
    PAUSED = "campaign.paused"
    RESUMED = "campaign.resumed"
    CLOSED = "campaign.closed"


class OfferStatus(StrEnum):
    """Where an offer stands. An open one is paused as long as a stop of claims reaches it."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class OfferEvent(StrEnum):
    """What happens to an offer."""

    OPENED = "offer.opened"
    CLOSED = "offer.closed"


CAMPAIGN: Machine[CampaignStatus, CampaignEvent] = Machine(
    "campaign",
    CampaignStatus.DRAFT,
    {
        CampaignStatus.DRAFT: {CampaignEvent.SUBMITTED: CampaignStatus.SUBMITTED},
        CampaignStatus.SUBMITTED: {
            CampaignEvent.PUBLISHED: CampaignStatus.PUBLISHED,
            CampaignEvent.SENT_BACK: CampaignStatus.DRAFT,
        },
        CampaignStatus.PUBLISHED: {
            CampaignEvent.PAUSED: CampaignStatus.PAUSED,
            CampaignEvent.CLOSED: CampaignStatus.CLOSED,
        },
        CampaignStatus.PAUSED: {
            CampaignEvent.RESUMED: CampaignStatus.PUBLISHED,
            CampaignEvent.CLOSED: CampaignStatus.CLOSED,
        },
        CampaignStatus.CLOSED: {},
    },
)
OFFER: Machine[OfferStatus, OfferEvent] = Machine(
    "offer",
    OfferStatus.DRAFT,
    {
        OfferStatus.DRAFT: {OfferEvent.OPENED: OfferStatus.OPEN},
        OfferStatus.OPEN: {OfferEvent.CLOSED: OfferStatus.CLOSED},
        OfferStatus.PAUSED: {},
        OfferStatus.CLOSED: {},
    },
)
CAMPAIGN_PUBLIC: Mapping[CampaignStatus, str] = {
    CampaignStatus.DRAFT: "草稿",
    CampaignStatus.SUBMITTED: "等待批准",
    CampaignStatus.PUBLISHED: "发放中",
    CampaignStatus.PAUSED: "已暂停",
    CampaignStatus.CLOSED: "已结束",
}
OFFER_PUBLIC: Mapping[OfferStatus, str] = {
    OfferStatus.DRAFT: "草稿",
    OfferStatus.OPEN: "可领",
    OfferStatus.PAUSED: "已暂停",
    OfferStatus.CLOSED: "已结束",
}
CAMPAIGN_OWNER: Mapping[CampaignStatus, frozenset[Role]] = {
    CampaignStatus.DRAFT: frozenset({Role.PLANNER}),
    CampaignStatus.SUBMITTED: frozenset({Role.APPROVER}),
    CampaignStatus.PUBLISHED: frozenset({Role.PLANNER, Role.APPROVER}),
    CampaignStatus.PAUSED: frozenset({Role.APPROVER}),
    CampaignStatus.CLOSED: frozenset(),
}
OFFER_OWNER: Mapping[OfferStatus, frozenset[Role]] = {
    OfferStatus.DRAFT: frozenset({Role.PLANNER}),
    OfferStatus.OPEN: frozenset({Role.PLANNER, Role.APPROVER}),
    OfferStatus.PAUSED: frozenset({Role.APPROVER}),
    OfferStatus.CLOSED: frozenset(),
}


class ProgrammeExists(Conflict):
    """A programme of that name exists already."""

    code = "programme_exists"


class SlugTaken(Conflict):
    """An offer of that short name exists already."""

    code = "slug_taken"


class CampaignNotDraft(Conflict):
    """The campaign is no longer a draft, so its plan can't change."""

    code = "campaign_not_draft"


class CampaignIncomplete(Unprocessable):
    """A campaign needs at least one offer and one budget line before it is submitted."""

    code = "campaign_incomplete"


class PlanInvalid(Unprocessable):
    """A figure of the plan breaks a rule; `extra["errors"]` names it."""

    code = "plan_invalid"


@dataclass(frozen=True, slots=True)
class Programme:
    """What a bureau announces."""

    id: ProgrammeId
    slug: str
    name: str
    name_en: str
    brand: str
    opens_on: date
    closes_on: date
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Campaign:
    """One issuing action."""

    id: CampaignId
    programme: Programme
    name: str
    kind: CampaignKind
    area: str
    opens_on: date
    closes_on: date
    status: CampaignStatus
    budget_id: BudgetId | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A dated slice of an offer's quota. One that is `held` stays shut: a canary is under way."""

    id: ReleaseId
    opens_at: datetime
    closes_at: datetime
    quota: int
    held: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be claimed, with all that a claim or a till must know of it."""

    id: OfferId
    campaign_id: CampaignId
    campaign_name: str
    programme_id: ProgrammeId
    brand: str
    issuing_area: str
    slug: str
    title: str
    kind: OfferKind
    face_value: Money
    threshold: Money
    quota: int
    per_resident_limit: int
    valid_days: int
    areas: tuple[str, ...]
    trades: tuple[str, ...]
    lapse_returns: bool
    waiting_room: bool
    proof_of_work: bool
    status: OfferStatus
    epoch: int
    mode: Mode
    gate_run_id: str
    releases: tuple[Release, ...]
    shop_areas: tuple[str, ...] = ()

    def valid_until(self, claimed_at: datetime) -> datetime:
        """When a voucher claimed then stops: its last day's end; the claim day is the first."""
        return end_of(day_of(claimed_at) + timedelta(days=self.valid_days - 1))

    def paying_area(self, shop_area: str) -> str:
        """The first of `shop_areas` that a shop lies in: its redemptions are kept apart; or ""."""
        return next((one for one in self.shop_areas if areas.within(shop_area, one)), "")

    def window(self) -> tuple[datetime, datetime]:
        """From the first opening to the last closing."""
        return min(one.opens_at for one in self.releases), max(
            one.closes_at for one in self.releases
        )


def benefit(offer: Offer, order: Money) -> Money:
    """What a voucher takes off an order: its face when the threshold is met, else nothing."""
    return offer.face_value if order >= offer.threshold else ZERO


def max_liability(offer: Offer) -> Money:
    """The most that one voucher of the offer can cost."""
    return offer.face_value


def discount_bps(offer: Offer) -> int:
    """The most of an order that a voucher takes off, in basis points, rounded up."""
    return -(-offer.face_value.fen * 10_000 // offer.threshold.fen)


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """A slice as it is planned. `closes_at` None: the end of the campaign's last day."""

    opens_at: datetime
    quota: int
    closes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OfferPlan:
    """An offer as it is planned. Empty `areas` or `trades` mean all.

    With `waiting_room`, claims wait for a place in a line; with `proof_of_work`, the claimant's
    device first solves a small puzzle; with `canary`, a slice opens first.
    """

    title: str
    kind: OfferKind
    face_value: Money
    threshold: Money
    quota: int
    per_resident_limit: int
    valid_days: int
    areas: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()
    releases: tuple[ReleasePlan, ...] = ()
    slug: str | None = None
    lapse_returns: bool = True
    waiting_room: bool = False
    proof_of_work: bool = False
    canary: bool = False


MAX_FACE = Money.of_yuan(2_000)  # the highest single voucher found in practice (Huizhou's cap)
MAX_QUOTA = 10_000_000


def check_plan(plan: OfferPlan, campaign: Campaign, known_trades: frozenset[str]) -> OfferPlan:
    """The plan with its releases filled in. Raises PlanInvalid naming every field that is wrong."""
    errors: dict[str, str] = {}
    if not ZERO < plan.face_value <= MAX_FACE:
        errors["face_value_fen"] = "1–200000"
    if plan.kind is OfferKind.THRESHOLD and plan.threshold <= plan.face_value:
        errors["threshold_fen"] = "> face_value_fen"
    if plan.kind is OfferKind.FIXED and plan.threshold < plan.face_value:
        errors["threshold_fen"] = ">= face_value_fen"
    if not 1 <= plan.quota <= MAX_QUOTA:
        errors["quota"] = f"1–{MAX_QUOTA}"
    if not 1 <= plan.per_resident_limit <= 100:
        errors["per_resident_limit"] = "1–100"
    if not 1 <= plan.valid_days <= 366:
        errors["valid_days"] = "1–366"
    if unknown := set(plan.trades) - known_trades:
        errors["trades"] = ", ".join(sorted(unknown))
    releases = _releases(plan, campaign)
    if errors_in := _release_errors(releases, plan.quota, campaign):
        errors["releases"] = errors_in
    if errors:
        raise PlanInvalid(extra={"errors": errors}, fields=", ".join(sorted(errors)))
    return OfferPlan(
        **{name: getattr(plan, name) for name in OfferPlan.__slots__ if name != "releases"},
        releases=releases,
    )


def _releases(plan: OfferPlan, campaign: Campaign) -> tuple[ReleasePlan, ...]:
    last = end_of(campaign.closes_on)
    given = plan.releases or (ReleasePlan(start_of(campaign.opens_on), plan.quota),)
    return tuple(ReleasePlan(one.opens_at, one.quota, one.closes_at or last) for one in given)


def _release_errors(releases: Sequence[ReleasePlan], quota: int, campaign: Campaign) -> str | None:
    first, last = start_of(campaign.opens_on), end_of(campaign.closes_on)
    if any(one.quota < 1 for one in releases) or sum(one.quota for one in releases) > quota:
        return "quota"
    for one in releases:
        closes = one.closes_at or last
        if not first <= one.opens_at < closes <= last:
            return "opens_at"
    return None


def frozen(
    campaign: Campaign, offers: Sequence[Offer], lines: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON; its hash says whether it changed since."""
    return {
        "campaign": {
            "id": str(campaign.id),
            "name": campaign.name,
            "programme": campaign.programme.slug,
            "kind": str(campaign.kind),
            "area": campaign.area,
            "opens_on": campaign.opens_on.isoformat(),
            "closes_on": campaign.closes_on.isoformat(),
            "budget": campaign.budget_id and str(campaign.budget_id),
        },
        "lines": list(lines),
        "offers": [_frozen_offer(one) for one in offers],
    }


def _frozen_offer(one: Offer) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "title": one.title,
        "kind": str(one.kind),
        "face_value_fen": one.face_value.fen,
        "threshold_fen": one.threshold.fen,
        "quota": one.quota,
        "per_resident_limit": one.per_resident_limit,
        "valid_days": one.valid_days,
        "areas": list(one.areas),
        "trades": list(one.trades),
        "lapse_returns": one.lapse_returns,
        "waiting_room": one.waiting_room,
        "proof_of_work": one.proof_of_work,
        "releases": [
            {
                "opens_at": slice_.opens_at.isoformat(),
                "closes_at": slice_.closes_at.isoformat(),
                "quota": slice_.quota,
            }
            for slice_ in one.releases
        ],
    }
