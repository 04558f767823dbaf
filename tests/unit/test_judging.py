"""The refusals of a till in their order: whichever faults hold at once, the first is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.campaigns.model import (
    GoodsClass,
    Mode,
    Offer,
    OfferKind,
    OfferStatus,
    Release,
)
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import (
    CampaignId,
    CashierId,
    MerchantId,
    OfferId,
    ProgrammeId,
    ReleaseId,
    ResidentId,
    ShopId,
    VoucherId,
)
from voucher_service.kernel.money import Money
from voucher_service.merchants.model import SizeClass, Till, Trade
from voucher_service.redemption.judging import Attempt, Case, judge
from voucher_service.redemption.model import Order, OtherDiscount, Payer
from voucher_service.stops.model import EVERYTHING
from voucher_service.vouchers.code import Read
from voucher_service.vouchers.model import IdLastFourWrong, Status, Voucher

NOW = datetime(2026, 9, 23, 4, 0, tzinfo=UTC)  # a Wednesday, noon in Shanghai
SECONDS = 30
OFFER = Offer(
    id=OfferId(uuid4()),
    campaign_id=CampaignId(uuid4()),
    campaign_name="",
    programme_id=ProgrammeId(uuid4()),
    brand="",
    issuing_area="441700",
    slug="s",
    title="满100减20",
    kind=OfferKind.THRESHOLD,
    face_value=Money(2_000),
    threshold=Money(10_000),
    quota=10,
    per_resident_limit=1,
    valid_days=7,
    areas=(),
    trades=(),
    lapse_returns=True,
    waiting_room=False,
    proof_of_work=False,
    status=OfferStatus.OPEN,
    epoch=1,
    mode=Mode.GATE,
    gate_run_id="",
    releases=(Release(ReleaseId(uuid4()), NOW, NOW + timedelta(days=1), 10),),
)
VOUCHER = Voucher(
    id=VoucherId(uuid4()),
    resident_id=ResidentId(uuid4()),
    offer=OFFER,
    status=Status.CLAIMED,
    face_value=Money(2_000),
    spent=Money(0),
    claimed_at=NOW - timedelta(days=1),
    valid_from=NOW - timedelta(days=1),
    valid_until=NOW + timedelta(days=1),
    code_ref=7,
)
TILL = Till(
    cashier_id=CashierId(uuid4()),
    shop_id=ShopId(uuid4()),
    shop_name="",
    merchant_id=MerchantId(uuid4()),
    merchant_name="",
    area="441702",
    trade=Trade.DINING,
    size_class=SizeClass.SMALL,
    merchant_active=True,
    shop_active=True,
    identity_hashes=frozenset(),
)
READ = Read(7, int(NOW.timestamp()) // SECONDS, b"nonce")
GOOD = Case(Attempt(TILL, Order(Money(12_800), "o"), NOW, SECONDS, READ), VOUCHER)


def _voucher(case: Case, **changes: object) -> Case:
    assert case.voucher is not None
    return replace(case, voucher=replace(case.voucher, **changes))  # type: ignore[arg-type]


def _offer(case: Case, **changes: object) -> Case:
    assert case.voucher is not None
    return _voucher(case, offer=replace(case.voucher.offer, **changes))  # type: ignore[arg-type]


def _at(case: Case, **changes: object) -> Case:
    return replace(case, attempt=replace(case.attempt, **changes))  # type: ignore[arg-type]


def _order(case: Case, **changes: object) -> Case:
    return _at(case, order=replace(case.attempt.order, **changes))  # type: ignore[arg-type]


def _old(case: Case) -> Case:
    old = replace(READ, window=READ.window - 3)
    return _at(case, read=case.attempt.read and old)


def _receipt(case: Case) -> Case:
    return _order(replace(case, beside=(OFFER,)), ticket_reference="t")


# In the order of docs/till.md. What can't hold beside another fault of its line is on one line.
FAULTS: tuple[Mapping[str, Callable[[Case], Case]], ...] = (
    {"merchant_suspended": lambda case: _at(case, till=replace(TILL, shop_active=False))},
    {"till_locked": lambda case: _at(case, locked_seconds=30)},
    {"code_invalid": lambda case: _at(case, read=None)},
    {"code_expired": _old},
    {"code_used": lambda case: _at(case, nonce_used=True)},
    {"id_last_four_wrong": lambda case: replace(case, holder=IdLastFourWrong())},
    {
        "already_redeemed": lambda case: _voucher(case, status=Status.REDEEMED),
        "voucher_frozen": lambda case: _voucher(case, status=Status.FROZEN),
        "voucher_expired": lambda case: _voucher(case, valid_until=NOW),
        "voucher_not_usable": lambda case: _voucher(case, status=Status.RETURNED),
    },
    {"redemption_stopped": lambda case: _at(case, stopped=[EVERYTHING])},
    {"own_voucher": lambda case: _at(case, own=True)},
    {"shop_not_in_scope": lambda case: _offer(case, trades=("retail",))},
    {"stack_limit_reached": _receipt},
    {"below_threshold": lambda case: _offer(case, threshold=Money(20_000))},
    {"spend_not_possible": lambda case: _order(case, spend=Money(1))},
    {
        "discounts_exceed_order": lambda case: _order(
            case, discounts=(OtherDiscount(Payer.BANK, Money(12_000)),)
        )
    },
)
SOME = st.tuples(*(st.none() | st.sampled_from(sorted(line)) for line in FAULTS))


@given(SOME)
def test_the_first_fault_that_holds_is_answered(chosen: tuple[str | None, ...]) -> None:
    case = GOOD
    for line, name in zip(FAULTS, chosen, strict=True):
        case = line[name](case) if name else case
    first = next((name for name in chosen if name), None)
    if first is None:
        assert judge(case) == Money(2_000)
        return
    with pytest.raises(DomainError) as refusal:
        judge(case)
    assert refusal.value.code == first


def test_the_table_of_the_page_has_this_order() -> None:
    page = Path(__file__).resolve().parents[2].joinpath("docs", "till.md").read_text("utf-8")
    places = [
        page.index(f"| `{name}`") for line in FAULTS for name in line if "last_four" not in name
    ]
    assert places == sorted(places)


def test_goods_that_an_offer_leaves_out_count_neither_for_threshold_nor_for_rate() -> None:
    items = ({"goods_class": "tobacco", "price_fen": 3_000}, {"price_fen": 9_800})
    case = _offer(_order(GOOD, items=items), excluded_items=(GoodsClass.TOBACCO,))
    with pytest.raises(DomainError) as refusal:
        judge(case)
    assert refusal.value.extra == {"threshold_fen": 10_000, "eligible_fen": 9_800}
    rate = _offer(case, kind=OfferKind.PERCENT_CAPPED, rate_bps=1_000, threshold=Money(5_000))
    assert judge(rate) == Money(980)


@pytest.mark.parametrize(
    ("part", "terms"),
    [
        ("area", {"areas": ("441781",)}),
        ("trade", {"trades": ("retail",)}),
        ("shop", {"shops": (uuid4(),)}),
        ("weekday", {"weekdays": (6, 7)}),
    ],
)
def test_a_voucher_says_which_part_of_its_scope_fails(part: str, terms: dict[str, object]) -> None:
    with pytest.raises(DomainError) as refusal:
        judge(_offer(GOOD, **terms))
    assert (refusal.value.code, refusal.value.extra) == ("shop_not_in_scope", {"part": part})


def test_the_least_limit_on_a_receipt_counts() -> None:
    generous = _offer(_order(GOOD, ticket_reference="t"), stack_limit=3)
    two = (replace(OFFER, stack_limit=3), replace(OFFER, stack_limit=3))
    assert judge(replace(generous, beside=two)) == Money(2_000)
    with pytest.raises(DomainError):
        judge(replace(generous, beside=(two[0], replace(OFFER, stack_limit=2))))
