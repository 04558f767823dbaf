"""What a refund gives back: every way of giving back the same goods ends the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conftest import NOON
from voucher_service.campaigns.model import (
    Mode,
    Offer,
    OfferKind,
    OfferStatus,
    PartialRefund,
    RefundRule,
    benefit,
    max_liability,
)
from voucher_service.kernel.clock import day_of, end_of
from voucher_service.kernel.ids import (
    CampaignId,
    OfferId,
    ProgrammeId,
    ResidentId,
    VoucherId,
    new_id,
)
from voucher_service.kernel.money import ZERO, Money
from voucher_service.redemption import refunds
from voucher_service.redemption.model import OtherDiscount, Payer
from voucher_service.redemption.refunds import Bill, Fate, RefundExceedsOrder, kept_subsidy, parts
from voucher_service.vouchers.model import Status, Voucher

KINDS: dict[OfferKind, dict[str, Any]] = {
    OfferKind.THRESHOLD: {},
    OfferKind.FIXED: {},
    OfferKind.PERCENT_CAPPED: {"rate_bps": 2_000},
    OfferKind.PACK: {"pieces": 3},
    OfferKind.BALANCE: {},
}


def an_offer(**changed: Any) -> Offer:
    """满 100 减 20, unless told."""
    told: dict[str, Any] = {
        "id": OfferId(new_id()),
        "campaign_id": CampaignId(new_id()),
        "campaign_name": "惠利金秋",
        "programme_id": ProgrammeId(new_id()),
        "brand": "jinqiu",
        "issuing_area": "441700",
        "slug": "an-offer",
        "title": "满100减20",
        "kind": OfferKind.THRESHOLD,
        "face_value": Money(2_000),
        "threshold": Money(10_000),
        "quota": 10,
        "per_resident_limit": 1,
        "valid_days": 7,
        "areas": (),
        "trades": (),
        "lapse_returns": True,
        "waiting_room": False,
        "proof_of_work": False,
        "status": OfferStatus.OPEN,
        "epoch": 1,
        "mode": Mode.GATE,
        "gate_run_id": "",
        "releases": (),
    }
    return Offer(**told | changed)


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    kind = draw(st.sampled_from(OfferKind))
    face = draw(st.integers(1, 5_000))
    least = face if kind in (OfferKind.THRESHOLD, OfferKind.FIXED, OfferKind.PACK) else 1
    return an_offer(
        kind=kind,
        face_value=Money(face),
        threshold=Money(draw(st.integers(least, least + 20_000))),
        partial_refund=draw(st.sampled_from(PartialRefund)),
        **KINDS[kind],
    )


@st.composite
def bills(draw: st.DrawFn) -> Bill:
    offer = draw(offers())
    eligible = draw(st.integers(offer.threshold.fen, offer.threshold.fen + 30_000))
    excluded = draw(st.integers(0, 500))
    discount = benefit(offer, Money(eligible))
    if offer.kind is OfferKind.BALANCE and discount:
        discount = Money(draw(st.integers(1, discount.fen)))
    assume(discount)
    payable = eligible + excluded - discount.fen
    bank = draw(st.integers(0, payable))
    platform = draw(st.integers(0, payable - bank))
    given_by = {Payer.BANK: bank, Payer.PLATFORM: platform}
    others = tuple(OtherDiscount(who, Money(fen)) for who, fen in given_by.items() if fen)
    return Bill(offer, Money(eligible + excluded), discount, others, Money(excluded))


@given(bills(), st.data())
@settings(max_examples=400)
def test_the_subsidy_kept_grows_with_the_goods_and_never_faster(
    bill: Bill, data: st.DataObject
) -> None:
    kept = data.draw(st.integers(0, bill.order.fen - 1))
    here, more = kept_subsidy(bill, Money(kept)), kept_subsidy(bill, Money(kept + 1))
    assert ZERO <= here <= more <= here + Money(1)
    assert more <= bill.discount
    assert kept_subsidy(bill, ZERO) == ZERO


@given(bills())
@settings(max_examples=400)
def test_the_whole_order_keeps_the_whole_subsidy(bill: Bill) -> None:
    assert kept_subsidy(bill, bill.order) == bill.discount


@given(bills(), st.lists(st.integers(1, 9_000), min_size=1, max_size=6))
@settings(max_examples=400)
def test_any_steps_give_back_what_one_step_gives(bill: Bill, steps: list[int]) -> None:
    refunded, found = ZERO, []
    for step in steps:
        amount = min(Money(step), bill.order - refunded)
        if amount:
            found.append(parts(bill, refunded, amount))
            refunded += amount
    at_once = parts(bill, ZERO, refunded)
    for name in ("amount", "subsidy", "cash", "other"):
        assert Money.total(getattr(one, name) for one in found) == getattr(at_once, name)
    for i, payer in enumerate(bill.others):
        mine = Money.total(one.others[i].amount for one in found)
        assert mine == at_once.others[i].amount <= payer.amount
    for one in (*found, at_once):
        assert one.subsidy + one.cash + one.other == one.amount
        assert min(one.subsidy, one.cash, one.other) >= ZERO


@given(bills())
@settings(max_examples=200)
def test_the_whole_order_gives_everybody_back_what_they_gave(bill: Bill) -> None:
    whole = parts(bill, ZERO, bill.order)
    assert (whole.subsidy, whole.cash, whole.others) == (bill.discount, bill.paid, bill.others)


def _bill(partial: PartialRefund, **terms: Any) -> Bill:
    offer = an_offer(partial_refund=partial, **terms)  # 满 100 减 20
    return Bill(offer, Money(12_800), Money(2_000))


def test_a_share_of_the_goods_takes_its_share_of_the_subsidy() -> None:
    found = parts(_bill(PartialRefund.PROPORTIONAL), ZERO, Money(6_400))
    assert (found.subsidy, found.cash) == (Money(1_000), Money(5_400))


def test_above_the_threshold_the_whole_subsidy_stays() -> None:
    bill = _bill(PartialRefund.THRESHOLD_KEPT)
    first = parts(bill, ZERO, Money(2_800))
    assert (first.subsidy, first.cash) == (ZERO, Money(2_800))
    second = parts(bill, Money(2_800), Money(1_500))
    assert (second.subsidy, second.cash) == (Money(1_500), ZERO)
    third = parts(bill, Money(4_300), Money(8_500))
    assert (third.subsidy, third.cash) == (Money(500), Money(8_000))


def test_a_voucher_is_not_turned_into_goods_that_it_is_not_for() -> None:
    offer = an_offer(partial_refund=PartialRefund.THRESHOLD_KEPT)
    bill = Bill(offer, Money(40_000), Money(2_000), excluded=Money(30_000))
    assert parts(bill, ZERO, Money(10_000)).subsidy == Money(2_000)


@pytest.mark.parametrize("amount", [0, -1, 12_801])
def test_more_than_the_order_is_not_given_back(amount: int) -> None:
    with pytest.raises(RefundExceedsOrder) as refusal:
        parts(_bill(PartialRefund.PROPORTIONAL), ZERO, Money(amount))
    assert refusal.value.extra == {"left_fen": 12_800}


def _voucher(status: Status = Status.REDEEMED, spent: int = 2_000, **terms: Any) -> Voucher:
    offer = an_offer(**terms)
    return Voucher(
        VoucherId(new_id()),
        ResidentId(new_id()),
        offer,
        status,
        max_liability(offer),
        Money(spent),
        NOON,
        NOON,
        NOON + timedelta(days=7),
        1,
    )


@pytest.mark.parametrize(
    ("rule", "days", "whole", "expected"),
    [
        (RefundRule.IN_VALIDITY, 0, True, Fate.LIVES),
        (RefundRule.IN_VALIDITY, 3, True, Fate.LIVES),
        (RefundRule.IN_VALIDITY, 7, True, Fate.EXPIRED),
        (RefundRule.IN_VALIDITY, 0, False, Fate.PARTIAL),
        (RefundRule.NEVER, 0, True, Fate.BY_RULE),
        (RefundRule.NEVER, 0, False, Fate.PARTIAL),
        (RefundRule.NEXT_DAY, 0, True, Fate.LIVES),
        (RefundRule.NEXT_DAY, 1, True, Fate.LIVES_TOMORROW),
        (RefundRule.NEXT_DAY, 7, True, Fate.EXPIRED),
        (RefundRule.RESTORED, 0, True, Fate.RETURNED),
        (RefundRule.RESTORED, 9, True, Fate.RETURNED),
        (RefundRule.RESTORED, 0, False, Fate.PARTIAL),
    ],
)
def test_the_rule_says_what_becomes_of_the_voucher(
    rule: RefundRule, days: int, whole: bool, expected: Fate
) -> None:
    found = refunds.fate(
        rule,
        _voucher(),
        whole=whole,
        back=Money(2_000) if whole else ZERO,
        redeemed_at=NOON,
        now=NOON + timedelta(days=days),
    )
    assert found is expected


def test_tomorrow_is_too_late_for_a_voucher_that_ends_today() -> None:
    ends_tonight = replace(_voucher(), valid_until=end_of(day_of(NOON)))
    found = refunds.fate(
        RefundRule.NEXT_DAY,
        ends_tonight,
        whole=True,
        back=Money(2_000),
        redeemed_at=NOON - timedelta(days=1),
        now=NOON,
    )
    assert found is Fate.EXPIRED


def test_a_pack_is_given_up_only_when_no_other_piece_is_spent() -> None:
    found = [
        refunds.fate(
            RefundRule.RESTORED,
            _voucher(Status.CLAIMED, spent, kind=OfferKind.PACK, pieces=3),
            whole=True,
            back=Money(2_000),
            redeemed_at=NOON,
            now=NOON,
        )
        for spent in (2_000, 4_000)
    ]
    assert found == [Fate.RETURNED, Fate.LIVES]


@pytest.mark.parametrize(
    ("kind", "whole", "expected"),
    [
        (OfferKind.BALANCE, False, 700),
        (OfferKind.BALANCE, True, 2_000),
        (OfferKind.PACK, False, 0),
        (OfferKind.PACK, True, 2_000),
        (OfferKind.THRESHOLD, False, 0),
    ],
)
def test_only_a_balance_has_value_back_with_each_part(
    kind: OfferKind, *, whole: bool, expected: int
) -> None:
    found = refunds.brings_back(
        an_offer(kind=kind, pieces=3), taken=Money(2_000), subsidy=Money(700), whole=whole
    )
    assert found == Money(expected)


@pytest.mark.parametrize(
    ("rule", "days", "back", "expected"),
    [
        (RefundRule.IN_VALIDITY, 0, 700, Fate.LIVES),
        (RefundRule.IN_VALIDITY, 7, 700, Fate.EXPIRED),
        (RefundRule.IN_VALIDITY, 0, 0, Fate.PARTIAL),
        (RefundRule.NEVER, 0, 700, Fate.BY_RULE),
        (RefundRule.NEXT_DAY, 1, 700, Fate.LIVES_TOMORROW),
        (RefundRule.RESTORED, 0, 2_000, Fate.LIVES),
    ],
)
def test_a_part_of_an_order_with_a_balance_follows_the_rule_too(
    rule: RefundRule, days: int, back: int, expected: Fate
) -> None:
    found = refunds.fate(
        rule,
        _voucher(kind=OfferKind.BALANCE),
        whole=False,
        back=Money(back),
        redeemed_at=NOON,
        now=NOON + timedelta(days=days),
    )
    assert found is expected
