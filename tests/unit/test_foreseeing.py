"""The simulation of a plan, against a slow calculation that looks at every day and every slot."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from voucher_service.budgets.model import BudgetLine, Funder, Level
from voucher_service.campaigns import foreseeing
from voucher_service.campaigns.foreseeing import Before, Past
from voucher_service.campaigns.model import (
    Campaign,
    CampaignKind,
    CampaignStatus,
    GoodsClass,
    Mode,
    Offer,
    OfferKind,
    OfferStatus,
    PartialRefund,
    Programme,
    RefundRule,
    Release,
)
from voucher_service.kernel.clock import SHANGHAI, start_of
from voucher_service.kernel.ids import (
    BudgetLineId,
    CampaignId,
    FunderId,
    OfferId,
    ProgrammeId,
    ReleaseId,
    ShopId,
)
from voucher_service.kernel.money import Money

OPENS = date(2026, 11, 25)
DAY = timedelta(days=1)
PROGRAMME = Programme(ProgrammeId(UUID(int=1)), "p", "金秋", "", "jinqiu", OPENS, OPENS, False)
NOTHING = Money(0)
foresee = partial(foreseeing.foresee, alert_bps=5_000)


def campaign(days: int) -> Campaign:
    last = OPENS + (days - 1) * DAY
    id = CampaignId(UUID(int=2))
    draft = CampaignStatus.DRAFT
    return Campaign(id, PROGRAMME, "加场", CampaignKind.VOUCHER, "441700", OPENS, last, draft)


def offer(*releases: Release, number: int = 1, **changed: Any) -> Offer:
    fields: dict[str, Any] = {
        "id": OfferId(UUID(int=100 + number)),
        "campaign_id": CampaignId(UUID(int=2)),
        "campaign_name": "加场",
        "programme_id": PROGRAMME.id,
        "brand": "jinqiu",
        "issuing_area": "441700",
        "slug": f"o-{number}",
        "title": f"券 {number}",
        "kind": OfferKind.THRESHOLD,
        "face_value": Money.of_yuan(20),
        "threshold": Money.of_yuan(100),
        "quota": sum(one.quota for one in releases),
        "per_resident_limit": 1,
        "valid_days": 7,
        "areas": (),
        "trades": (),
        "lapse_returns": True,
        "waiting_room": False,
        "proof_of_work": False,
        "status": OfferStatus.DRAFT,
        "epoch": 0,
        "mode": Mode.GATE,
        "gate_run_id": "",
        "releases": releases,
    }
    return Offer(**fields | changed)


def release(first: int, hours: int, quota: int) -> Release:
    """Opens at ten on the day of that number, for so many hours."""
    opens = datetime.combine(OPENS + first * DAY, datetime.min.time(), SHANGHAI)
    opens += timedelta(hours=10)
    closes = opens + timedelta(hours=hours)
    return Release(ReleaseId(UUID(int=first * 1_000 + hours)), opens, closes, quota)


def line(share_bps: int, yuan: int, shop_area: str = "") -> BudgetLine:
    funder = Funder(FunderId(UUID(int=share_bps)), "city", "市财政", Level.CITY, "441700")
    return BudgetLine(
        BudgetLineId(UUID(int=share_bps)),
        CampaignId(UUID(int=2)),
        funder,
        Money.of_yuan(yuan),
        share_bps,
        "",
        False,
        shop_area,
    )


def past(**changed: Any) -> Past:
    fields: dict[str, Any] = {
        "opened": 1_000,
        "claimed": 800,
        "ended": 700,
        "redeemed": 560,
        "claim_days": 4,
        "issued": Money.of_yuan(16_000),
        "thresholds": Money.of_yuan(56_000),
        "orders": Money.of_yuan(70_000),
        "half_redeemed_days": 2,
    }
    return Past(**fields | changed)


DAYS = 40
RELEASES = st.builds(release, st.integers(0, 30), st.integers(1, 200), st.integers(1, 50))
OFFERS = st.lists(
    st.tuples(st.lists(RELEASES, min_size=1, max_size=5), st.integers(1, 60), st.booleans()),
    min_size=1,
    max_size=3,
)


def offers_of(drawn: list[tuple[list[Release], int, bool]]) -> list[Offer]:
    return [
        offer(*releases, number=i, face_value=Money.of_yuan(face), lapse_returns=flows)
        for i, (releases, face, flows) in enumerate(drawn, 1)
    ]


def open_on(one: Release, day: date) -> bool:
    return one.opens_at < start_of(day + DAY) and one.closes_at > start_of(day)


def claimable(found: Offer, one: Release, day: date) -> bool:
    """The rule of the books: in its own window, or in a later release's into which it flows."""
    return open_on(one, day) or (
        found.lapse_returns
        and start_of(day) >= one.closes_at
        and any(open_on(other, day) for other in found.releases)
    )


@settings(max_examples=60)
@given(OFFERS)
def test_no_day_and_no_month_can_issue_more_than_is_said(
    drawn: list[tuple[list[Release], int, bool]],
) -> None:
    plan, offers = campaign(DAYS), offers_of(drawn)
    said = foresee(plan, offers, [line(10_000, 1)], None)
    days = {
        OPENS + i * DAY: sum(
            found.face_value.fen * one.quota
            for found in offers
            for one in found.releases
            if claimable(found, one, OPENS + i * DAY)
        )
        for i in range(DAYS)
    }
    told = dict.fromkeys(days, 0)
    for span in said["days"]:
        first, last = date.fromisoformat(span["from"]), date.fromisoformat(span["to"])
        told |= {first + i * DAY: span["worst_fen"] for i in range((last - first).days + 1)}
    assert told == days
    months = {
        f"{month:%Y-%m}": sum(
            found.face_value.fen * one.quota
            for found in offers
            for one in found.releases
            if any(claimable(found, one, day) for day in days if f"{day:%Y-%m}" == f"{month:%Y-%m}")
        )
        for month in days
    }
    assert {one["month"]: one["worst_fen"] for one in said["months"]} == {
        month: fen for month, fen in months.items() if fen
    }


@settings(max_examples=60)
@given(OFFERS, st.integers(1, 500_000))
def test_the_day_on_which_the_money_is_gone_is_the_first_on_which_nothing_is_left(
    drawn: list[tuple[list[Release], int, bool]], daily_fen: int
) -> None:
    plan, offers = campaign(DAYS), offers_of(drawn)
    last = past(issued=Money(daily_fen * 4))
    before = Before(plan, offers, last)
    said = foresee(plan, offers, [line(10_000, 1)], before)["expected"]["exhausted_on"]
    slots = [
        (one.opens_at.astimezone(SHANGHAI).date(), found.face_value.fen * one.quota)
        for found in offers
        for one in found.releases
    ]
    issued, gone = 0, None
    for i in range(DAYS):
        day = OPENS + i * DAY
        released = sum(fen for opens, fen in slots if opens <= day)
        issued += min(daily_fen, released - issued)
        if gone is None and issued == sum(fen for _, fen in slots):
            gone = day.isoformat()
    assert said == gone


def test_what_is_expected_follows_the_last_campaign() -> None:
    plan, made = campaign(10), offer(release(0, 24 * 9, 5_000))
    before = Before(plan, [made], past())
    said = foresee(plan, [made], [line(10_000, 1)], before)
    assert said["worst_case_fen"] == 10_000_000
    # 80 % claimed, 80 % of those that ended redeemed; orders 1.25 times their thresholds.
    assert said["expected"] == {
        "claimed_bps": 8_000,
        "redeemed_bps": 8_000,
        "half_redeemed_days": 2,
        "issued_fen": 8_000_000,
        "redeemed_fen": 6_400_000,
        "lapsed_fen": 1_600_000,
        "given_away_bps": 1_600,
        "daily_fen": 400_000,
        "exhausted_on": None,
    }


def test_nothing_is_expected_where_there_is_nothing_to_go_by() -> None:
    plan, made = campaign(10), offer(release(0, 48, 10))
    assert foresee(plan, [made], [], None)["expected"] is None
    untouched = Before(plan, [made], past(claimed=0))
    assert foresee(plan, [made], [], untouched)["expected"] is None
    young = foresee(plan, [made], [], Before(plan, [made], past(ended=0, redeemed=0)))
    assert (young["expected"]["redeemed_bps"], young["expected"]["lapsed_fen"]) == (None, None)
    unspent = past(orders=NOTHING, thresholds=NOTHING, half_redeemed_days=None)
    found = foresee(plan, [made], [], Before(plan, [made], unspent))["expected"]
    assert (found["given_away_bps"], found["half_redeemed_days"]) == (None, None)


def test_where_all_lapsed_the_last_time_the_simulation_is_still_plain_json() -> None:
    plan, made = campaign(10), offer(release(0, 48, 10))
    found = foresee(plan, [made], [], Before(plan, [made], past(redeemed=0)))
    assert found["expected"]["redeemed_fen"] == 0
    assert found["expected"]["lapsed_fen"] == found["expected"]["issued_fen"]
    json.dumps(found)


def test_each_funder_is_told_the_most_that_it_bears() -> None:
    plan, made = campaign(10), offer(release(0, 48, 50))  # ¥1,000
    lines = [line(7_000, 900), line(3_000, 400), line(1_500, 100, "441702")]
    said = foresee(plan, [made], lines, None)["funders"]
    assert [one["worst_fen"] for one in said] == [70_000, 30_000, 10_000]


def test_what_gives_away_more_than_the_last_time_is_flagged() -> None:
    old = offer(release(0, 48, 100), areas=("441702",), trades=("dining", "retail"))
    new = offer(
        release(0, 48, 150),
        threshold=Money.of_yuan(20),
        face_value=Money.of_yuan(19),
        areas=("441702", "441781"),
        trades=("dining",),
        valid_days=5,
    )
    plan = campaign(10)
    said = foresee(plan, [new], [], Before(plan, [old], None))["differences"]
    assert {one["field"]: one["flagged"] for one in said} == {
        "face_value_fen": False,
        "threshold_fen": True,
        "discount_bps": True,
        "quota": False,
        "areas": True,
        "trades": False,
        "valid_days": False,
    }
    (steeper,) = (one for one in said if one["field"] == "discount_bps")
    assert (steeper["offer"], steeper["before"], steeper["after"]) == ("券 1", 2_000, 9_500)


def test_looser_scope_and_rules_are_flagged_and_tighter_ones_are_not() -> None:
    shop, other = ShopId(UUID(int=7)), ShopId(UUID(int=8))
    tight = offer(
        release(0, 48, 10),
        shops=(shop,),
        hours=((time(10), time(14)),),
        weekdays=(1, 2),
        excluded_items=(GoodsClass.FUEL, GoodsClass.TOBACCO),
        refund_rule=RefundRule.NEVER,
    )
    loose = offer(
        release(0, 48, 10),
        shops=(shop, other),
        hours=((time(22), time(4)),),
        weekdays=(),
        excluded_items=(GoodsClass.FUEL,),
        stack_limit=2,
        refund_rule=RefundRule.NEXT_DAY,
        partial_refund=PartialRefund.THRESHOLD_KEPT,
        paper=True,
    )
    plan = campaign(10)
    for before, after, flagged in ((tight, loose, True), (loose, tight, False)):
        said = foresee(plan, [after], [], Before(plan, [before], None))["differences"]
        terms = {one["field"]: one["flagged"] for one in said}
        assert not terms.pop("partial_refund")  # neither of them gives more for certain
        assert terms == dict.fromkeys(
            (
                "shops",
                "hours",
                "weekdays",
                "excluded_items",
                "stack_limit",
                "refund_rule",
                "paper",
            ),
            flagged,
        )
        json.dumps(said)


def test_an_offer_is_compared_with_one_of_its_kind() -> None:
    pack = offer(release(0, 48, 10), kind=OfferKind.PACK, pieces=4)
    plan, balance = campaign(10), offer(release(0, 48, 10), number=2, kind=OfferKind.BALANCE)
    before = Before(plan, [offer(release(0, 48, 10), number=3), pack], None)
    assert foresee(plan, [balance], [], before)["differences"] == []
    bigger = offer(release(0, 48, 10), number=4, kind=OfferKind.PACK, pieces=8)
    (said,) = foresee(plan, [bigger], [], before)["differences"]
    assert (said["field"], said["before"], said["after"]) == ("pieces", 4, 8)
    assert said["flagged"]


def test_a_resident_can_get_the_limit_of_every_offer() -> None:
    plan = campaign(10)
    two = [
        offer(release(0, 48, 10), per_resident_limit=3),
        offer(release(0, 48, 10), number=2, face_value=Money.of_yuan(60)),
    ]
    assert foresee(plan, two, [], None)["per_resident"] == {"vouchers": 4, "fen": 12_000}


def test_a_discount_above_the_alert_is_steep() -> None:
    at, above = (
        offer(release(0, 48, 10), number=i, face_value=Money(fen), threshold=Money(10_000))
        for i, fen in enumerate((5_000, 5_001), 1)
    )
    said = foresee(campaign(10), [at, above], [], None)["discounts"]
    assert [(one["bps"], one["steep"]) for one in said] == [(5_000, False), (5_001, True)]
