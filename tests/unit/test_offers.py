"""What an offer of each kind is worth, where and when it is spent, and which plans are refused."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.campaigns.model import (
    Campaign,
    CampaignKind,
    CampaignStatus,
    Mode,
    Offer,
    OfferKind,
    OfferPlan,
    OfferStatus,
    PlanInvalid,
    Programme,
    ScopePart,
    benefit,
    discount_bps,
    in_scope,
    least_order,
    max_liability,
)
from voucher_service.campaigns.plans import check_plan
from voucher_service.campaigns.wording import benefit as said
from voucher_service.campaigns.wording import when
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId, ShopId
from voucher_service.kernel.money import ZERO, Money

DAY = date(2026, 11, 2)  # a Monday
PROGRAMME = Programme(ProgrammeId(UUID(int=1)), "p", "金秋", "", "jinqiu", DAY, DAY, False)
CAMPAIGN = Campaign(
    CampaignId(UUID(int=2)),
    PROGRAMME,
    "第一场",
    CampaignKind.VOUCHER,
    "441700",
    DAY,
    DAY + timedelta(days=30),
    CampaignStatus.DRAFT,
)
TWENTY, HUNDRED, THIRTY = Money.of_yuan(20), Money.of_yuan(100), Money.of_yuan(30)
PLAN = OfferPlan("券", OfferKind.THRESHOLD, TWENTY, HUNDRED, 10, 1, 7)
PERCENT = replace(PLAN, kind=OfferKind.PERCENT_CAPPED, face_value=THIRTY, rate_bps=2_000)
PACK = replace(PLAN, kind=OfferKind.PACK, threshold=Money.of_yuan(50), pieces=8)
BALANCE = replace(PLAN, kind=OfferKind.BALANCE, face_value=HUNDRED, threshold=Money(1))
FIXED = replace(PLAN, kind=OfferKind.FIXED, threshold=TWENTY)
PLANS = (PLAN, FIXED, PERCENT, PACK, BALANCE)
PAPER_MAX = Money.of_yuan(50)
SHOP = ShopId(UUID(int=7))
KINDS = pytest.mark.parametrize("plan", PLANS, ids=lambda plan: str(plan.kind))


def offer_of(plan: OfferPlan) -> Offer:
    shared = {one.name for one in fields(Offer)} & {one.name for one in fields(OfferPlan)}
    values: dict[str, Any] = {name: getattr(plan, name) for name in shared - {"releases"}}
    return Offer(
        **values | {"slug": "o"},
        id=OfferId(UUID(int=3)),
        campaign_id=CAMPAIGN.id,
        campaign_name="",
        programme_id=PROGRAMME.id,
        brand="jinqiu",
        issuing_area="441700",
        status=OfferStatus.OPEN,
        epoch=0,
        mode=Mode.GATE,
        gate_run_id="",
        releases=(),
    )


def checked(plan: OfferPlan) -> OfferPlan:
    return check_plan(plan, CAMPAIGN, frozenset({"dining"}), PAPER_MAX)


def wrong(plan: OfferPlan) -> set[str]:
    with pytest.raises(PlanInvalid) as refused:
        checked(plan)
    return set(refused.value.extra["errors"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


sums = st.integers(0, 300_000).map(Money)


@st.composite
def plans(draw: st.DrawFn) -> OfferPlan:
    """Plans of every kind that pass, small and crooked figures included."""
    kind, face = draw(st.sampled_from(OfferKind)), draw(st.integers(1, 200_000))
    rate = draw(st.integers(1, 9_999)) if kind is OfferKind.PERCENT_CAPPED else None
    least = {
        OfferKind.THRESHOLD: face + 1,
        OfferKind.FIXED: face,
        OfferKind.PACK: face,
        OfferKind.BALANCE: 1,
    }.get(kind, -(-10_000 // (rate or 1)))
    threshold = draw(st.integers(least, least + 100_000))
    most = min(100, 200_000 // face)
    pieces = draw(st.integers(2, max(2, most))) if kind is OfferKind.PACK else 1
    if face * pieces > 200_000:
        face = 1_000
    return replace(
        PLAN,
        kind=kind,
        face_value=Money(face),
        threshold=Money(threshold),
        rate_bps=rate,
        pieces=pieces,
    )


@given(plan=plans(), order=sums, left=sums)
def test_no_voucher_takes_off_more_than_its_face_what_is_left_or_the_order(
    plan: OfferPlan, order: Money, left: Money
) -> None:
    offer = offer_of(checked(plan))
    taken = benefit(offer, order, left)
    assert ZERO <= taken <= min(offer.face_value, left, order)
    assert benefit(offer, order) <= max_liability(offer)
    assert bool(benefit(offer, order)) == (order >= offer.threshold)


@given(plan=plans(), order=sums, more=sums, left=sums, plus=sums)
def test_a_larger_order_or_a_fuller_voucher_never_takes_off_less(
    plan: OfferPlan, order: Money, more: Money, left: Money, plus: Money
) -> None:
    offer = offer_of(plan)
    assert benefit(offer, order, left) <= benefit(offer, order + more, left + plus)


@given(plan=plans(), order=sums)
def test_the_least_order_is_the_least_that_brings_a_discount(plan: OfferPlan, order: Money) -> None:
    offer = offer_of(plan)
    taken = benefit(offer, order)
    if taken:
        least = least_order(offer, taken)
        assert least <= order
        assert benefit(offer, least) == taken
        assert least == offer.threshold or benefit(offer, least - Money(1)) < taken


@given(plan=plans(), order=sums)
def test_no_order_is_discounted_by_more_than_is_said_to_the_approver(
    plan: OfferPlan, order: Money
) -> None:
    offer = offer_of(plan)
    assert benefit(offer, order).fen * 10_000 <= discount_bps(offer) * order.fen


@given(orders=st.lists(st.integers(1, 30_000).map(Money), max_size=20))
def test_a_balance_is_spent_to_the_last_fen_and_no_further(orders: list[Money]) -> None:
    offer, left = offer_of(BALANCE), BALANCE.face_value
    for order in orders:
        left -= benefit(offer, order, left)
    assert left == max(ZERO, BALANCE.face_value - Money.total(orders))


@pytest.mark.parametrize(
    ("plan", "order", "taken"),
    [
        (PLAN, 9_999, 0),
        (PLAN, 10_000, 2_000),
        (PERCENT, 9_999, 0),
        (PERCENT, 10_004, 2_000),  # rounded down to the fen
        (PERCENT, 14_999, 2_999),
        (PERCENT, 99_999, 3_000),
        (PACK, 99_999, 2_000),
        (BALANCE, 1, 1),
        (BALANCE, 99_999, 10_000),
    ],
)
def test_each_kind_takes_off_what_its_terms_say(plan: OfferPlan, order: int, taken: int) -> None:
    assert benefit(offer_of(plan), Money(order)) == Money(taken)


@KINDS
def test_a_sound_plan_of_each_kind_passes(plan: OfferPlan) -> None:
    assert checked(plan).kind is plan.kind
    assert max_liability(plan) == plan.face_value * plan.pieces


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (replace(PLAN, threshold=TWENTY), "threshold_fen"),
        (replace(FIXED, threshold=Money(1_999)), "threshold_fen"),
        (replace(PACK, threshold=Money(1_999)), "threshold_fen"),
        (replace(PERCENT, threshold=Money(4)), "threshold_fen"),
        (replace(BALANCE, threshold=ZERO), "threshold_fen"),
        (replace(PERCENT, rate_bps=None), "rate_bps"),
        (replace(PERCENT, rate_bps=0), "rate_bps"),
        (replace(PERCENT, rate_bps=10_000), "rate_bps"),
        (replace(PLAN, rate_bps=2_000), "rate_bps"),
        (replace(PACK, pieces=1), "pieces"),
        (replace(PACK, pieces=101), "pieces"),
        (replace(PLAN, pieces=2), "pieces"),
        (replace(PACK, pieces=100, face_value=Money.of_yuan(21)), "face_value_fen"),
        (replace(BALANCE, face_value=Money(200_001)), "face_value_fen"),
        (replace(PLAN, shops=(SHOP, SHOP)), "shops"),
        (replace(PLAN, hours=((time(10), time(10)),)), "hours"),
        (replace(PLAN, weekdays=(8,)), "weekdays"),
        (replace(PLAN, weekdays=(1, 1)), "weekdays"),
        (replace(PLAN, stack_limit=11), "stack_limit"),
        (replace(PACK, paper=True), "paper"),
        (replace(BALANCE, paper=True), "paper"),
        (replace(PLAN, face_value=Money(5_001), paper=True), "paper"),
    ],
)
def test_a_wrong_figure_is_named(plan: OfferPlan, field: str) -> None:
    assert field in wrong(plan)


def test_a_small_voucher_that_is_spent_at_once_may_be_printed() -> None:
    assert checked(replace(PLAN, paper=True)).paper
    assert checked(replace(PERCENT, paper=True)).paper


ALL_DAY = replace(PLAN, areas=("441702",), trades=("dining",), shops=(SHOP,))
LUNCH = replace(ALL_DAY, hours=((time(10), time(14)),), weekdays=(1, 2, 3, 4, 5))
NIGHT = replace(PLAN, hours=((time(18), time(2)),), weekdays=(5,))


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({}, None),
        ({"area": "441781"}, ScopePart.AREA),
        ({"area": "441781", "trade": "retail"}, ScopePart.AREA),  # the first that fails
        ({"trade": "retail"}, ScopePart.TRADE),
        ({"shop": ShopId(UUID(int=8))}, ScopePart.SHOP),
        ({"at": at("2026-11-02T09:59:59")}, ScopePart.HOURS),
        ({"at": at("2026-11-02T14:00:00")}, ScopePart.HOURS),
        ({"at": at("2026-11-07T12:00:00")}, ScopePart.WEEKDAY),
        ({"at": at("2026-11-07T15:00:00")}, ScopePart.HOURS),
    ],
)
def test_the_part_of_the_scope_that_fails_is_named(
    changed: dict[str, Any], part: ScopePart | None
) -> None:
    here: dict[str, Any] = {"area": "441702", "trade": "dining", "shop": SHOP}
    here |= {"at": at("2026-11-02T12:00:00")} | changed
    assert in_scope(offer_of(LUNCH), **here) is part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2026-11-06T17:59:00", ScopePart.HOURS),
        ("2026-11-06T23:30:00", None),
        ("2026-11-07T01:59:00", None),  # still Friday's night
        ("2026-11-07T02:00:00", ScopePart.HOURS),
        ("2026-11-06T01:00:00", ScopePart.WEEKDAY),  # Thursday's night
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_began(text: str, part: ScopePart | None) -> None:
    here = {"area": "441702", "trade": "dining", "shop": SHOP}
    assert in_scope(offer_of(NIGHT), **here, at=at(text)) is part


def test_every_kind_is_said_in_plain_words() -> None:
    assert [said(one, "zh-CN") for one in PLANS] == [
        "满 ¥100 减 ¥20",
        "满 ¥20 减 ¥20",
        "每单满 ¥100 打 8 折，最多减 ¥30",
        "8 张，每张满 ¥50 减 ¥20",
        "余额券 ¥100，可分次用",
    ]
    assert said(replace(PERCENT, rate_bps=1_250), "zh-CN").startswith("每单满 ¥100 打 8.75 折")
    assert said(PERCENT, "en") == "20% off orders from ¥100, ¥30 at most"


def test_hours_and_weekdays_are_said_in_plain_words() -> None:
    assert when(LUNCH, "zh-CN") == "周一至周五 10:00–14:00"
    assert when(NIGHT, "zh-CN") == "周五 18:00–次日 02:00"
    assert (
        when(replace(NIGHT, weekdays=(6, 7, 1)), "en") == "Mon, Sat, Sun 18:00–02:00 the next day"
    )
    assert when(PLAN, "zh-CN") == ""
