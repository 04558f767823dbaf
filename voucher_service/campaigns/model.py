"""Programmes, campaigns and offers; what an offer is worth, and where and when it can be spent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from voucher_service.budgets.model import BudgetId
from voucher_service.infra import areas
from voucher_service.kernel.clock import SHANGHAI, day_of, end_of
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId, ReleaseId, ShopId
from voucher_service.kernel.money import ZERO, Bps, Money, Rounding

WHOLE_BPS = 10_000


class CampaignKind(StrEnum):
    """What a campaign issues."""

    VOUCHER = "voucher"
    TRADE_IN = "trade_in"


class OfferKind(StrEnum):
    """How a voucher's benefit is computed: a sum off from a threshold, a sum off, a rate up to a
    sum, several equal pieces one an order, or a balance spent bit by bit.
    """

    THRESHOLD = "threshold"
    FIXED = "fixed"
    PERCENT_CAPPED = "percent_capped"
    PACK = "pack"
    BALANCE = "balance"


# Spent more than once.
IN_PARTS = frozenset({OfferKind.PACK, OfferKind.BALANCE})


class RefundRule(StrEnum):
    """What becomes of a voucher whose order is refunded whole (policy facts, city programmes)."""

    IN_VALIDITY = "in_validity"
    NEVER = "never"
    NEXT_DAY = "next_day"
    RESTORED = "restored"


class PartialRefund(StrEnum):
    """What subsidy stays with an order that is refunded in part."""

    PROPORTIONAL = "proportional"
    THRESHOLD_KEPT = "threshold_kept"


class GoodsClass(StrEnum):
    """Goods that offers may leave out: they count neither for a threshold nor for a rate."""

    FUEL = "fuel"
    TOBACCO = "tobacco"
    ALCOHOL = "alcohol"
    PHARMACY = "pharmacy"
    GIFT_CARD = "gift_card"
    JEWELLERY = "jewellery"


class ScopePart(StrEnum):
    """A part of an offer's scope, in the order in which they are judged."""

    AREA = "area"
    TRADE = "trade"
    SHOP = "shop"
    HOURS = "hours"
    WEEKDAY = "weekday"


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


WAS_PUBLISHED = (CampaignStatus.PUBLISHED, CampaignStatus.PAUSED, CampaignStatus.CLOSED)
"""Where a campaign stands from its publishing on."""


class OfferStatus(StrEnum):
    """Where an offer stands. An open one is paused as long as a stop of claims reaches it."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


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


Window = tuple[time, time]


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


SANDBOX = frozenset({"sandbox", "sandbox-elsewhere"})
"""The offers on which vendors try their tills."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be claimed, with all that a claim or a till must know of it.

    `face_value`: what a voucher takes off an order; of `percent_capped` the most, with `rate_bps`
    the rate; of `pack` each of its `pieces`; of `balance` all of it. `threshold`: the least order.
    Empty `areas`, `trades`, `shops`, `hours`, `weekdays` mean everywhere and always. `hours` are of
    Shanghai; a window that does not end after it begins ends on the next day. `weekdays`: 1 is
    Monday. `stack_limit`: vouchers on one receipt. `paper`: it may be printed. `issues`: what is
    claimed; of a pool of qualifications `face_value` is what is set aside for each.
    """

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
    rate_bps: int | None = None
    pieces: int = 1
    shops: tuple[ShopId, ...] = ()
    hours: tuple[Window, ...] = ()
    weekdays: tuple[int, ...] = ()
    excluded_items: tuple[GoodsClass, ...] = ()
    stack_limit: int = 1
    refund_rule: RefundRule = RefundRule.IN_VALIDITY
    partial_refund: PartialRefund = PartialRefund.PROPORTIONAL
    paper: bool = False
    issues: CampaignKind = CampaignKind.VOUCHER

    @property
    def sandbox(self) -> bool:
        """Whether tills are tried with it: it is offered to nobody, and worth nothing elsewhere."""
        return self.slug in SANDBOX

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


def benefit(offer: Offer | OfferPlan, order: Money, left: Money | None = None) -> Money:
    """What a voucher takes off an order, nothing below the threshold.

    `order` is its eligible part: without goods that the offer excludes. `left`: what there is still
    to spend of the voucher; None: all of it. Never more than the order or what is left.
    """
    if order < offer.threshold:
        return ZERO
    most = offer.face_value if left is None else min(offer.face_value, left)
    if offer.rate_bps is not None:
        return min(most, order.share(Bps(offer.rate_bps), Rounding.DOWN))
    return min(most, order)


def max_liability(offer: Offer | OfferPlan) -> Money:
    """The most that one voucher of the offer can cost."""
    return offer.face_value * offer.pieces


def discount_bps(offer: Offer) -> int:
    """The most of an order that a voucher takes off, in basis points, rounded up."""
    most = WHOLE_BPS if offer.rate_bps is None else offer.rate_bps
    return min(most, -(-offer.face_value.fen * WHOLE_BPS // offer.threshold.fen))


def least_order(offer: Offer, discount: Money) -> Money:
    """The least order that brings that discount."""
    rate = WHOLE_BPS if offer.rate_bps is None else offer.rate_bps
    return max(offer.threshold, Money(-(-discount.fen * WHOLE_BPS // rate)))


def in_scope(
    offer: Offer, *, area: str, trade: str, shop: ShopId, at: datetime
) -> ScopePart | None:
    """Which part of its scope keeps the offer from being spent there and then; None: it may be.

    A window that runs past midnight belongs to the weekday on which it began.
    """
    if offer.areas and not any(areas.within(area, one) for one in offer.areas):
        return ScopePart.AREA
    if offer.trades and trade not in offer.trades:
        return ScopePart.TRADE
    if offer.shops and shop not in offer.shops:
        return ScopePart.SHOP
    days = set(_days(offer, at.astimezone(SHANGHAI)))
    if not days:
        return ScopePart.HOURS
    if offer.weekdays and not days & set(offer.weekdays):
        return ScopePart.WEEKDAY
    return None


def _days(offer: Offer, at: datetime) -> Iterator[int]:
    """The weekdays of the windows that an instant lies in."""
    today, now = at.isoweekday(), at.time()
    if not offer.hours:
        yield today
    for opens, closes in offer.hours:
        overnight = closes <= opens
        if opens <= now and (overnight or now < closes):
            yield today
        if overnight and now < closes:
            yield today - 1 or 7


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """A slice as it is planned. `closes_at` None: the end of the campaign's last day."""

    opens_at: datetime
    quota: int
    closes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OfferPlan:
    """An offer as it is planned; see Offer for its terms.

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
    rate_bps: int | None = None
    pieces: int = 1
    shops: tuple[ShopId, ...] = ()
    hours: tuple[Window, ...] = ()
    weekdays: tuple[int, ...] = ()
    excluded_items: tuple[GoodsClass, ...] = ()
    stack_limit: int = 1
    refund_rule: RefundRule = RefundRule.IN_VALIDITY
    partial_refund: PartialRefund = PartialRefund.PROPORTIONAL
    paper: bool = False
