"""The refusals of a subsidised sale in their order: of several faults the first is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_judging import NOW, OFFER, READ, SECONDS, TILL
from voucher_service.goods.model import Product
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.money import Money
from voucher_service.redemption.judging import Attempt
from voucher_service.redemption.judging_sales import SaleCase, judge_sale
from voucher_service.redemption.model import Order, OtherDiscount, Payer
from voucher_service.stops.model import EVERYTHING
from voucher_service.tradein import shelf
from voucher_service.tradein.identifiers import GtinInvalid
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Pool, Qualification, QualificationId, Status
from voucher_service.tradein.sales.model import Unit, unit_of
from voucher_service.tradein.sales.offering import Asked

PHONE, POLICY = Category.PHONE, shelf.policy("digital-2026")
POOL = Pool(OFFER, POLICY, (PHONE,), 0, 1, date(2026, 12, 31))
MINE = Qualification(
    QualificationId(uuid4()),
    ResidentId(uuid4()),
    POOL,
    PHONE,
    Status.CLAIMED,
    NOW - timedelta(days=1),
    NOW + timedelta(days=1),
    7,
)
UNIT = Unit("06901234567892", "SN0001", Money(300_000), "860000000000017")
PRODUCT = Product(UNIT.gtin, "Mobil", "M1", PHONE)
ASKED = Asked(
    UNIT, UNIT.price, PHONE, POLICY, NOW.date(), TILL.area, PRODUCT, filed_price=Money(310_000)
)
GOOD = SaleCase(
    Attempt(TILL, Order(UNIT.price, "o"), NOW, SECONDS, READ), MINE, ASKED, Money(50_000)
)


def _at(case: SaleCase, **changes: object) -> SaleCase:
    return replace(case, attempt=replace(case.attempt, **changes))  # type: ignore[arg-type]


def _mine(case: SaleCase, **changes: object) -> SaleCase:
    return replace(case, qualification=replace(case.qualification, **changes))  # type: ignore[arg-type]


def _asked(case: SaleCase, **changes: object) -> SaleCase:
    return replace(case, asked=replace(case.asked, **changes))  # type: ignore[arg-type]


def _unit(case: SaleCase, **changes: object) -> SaleCase:
    unit = case.asked.unit
    return _asked(case, unit=replace(unit, **changes)) if isinstance(unit, Unit) else case


def _product(case: SaleCase, **changes: object) -> SaleCase:
    found = case.asked.product
    return _asked(case, product=replace(found, **changes)) if found else case  # type: ignore[arg-type]


def _other_place(case: SaleCase) -> SaleCase:
    pool = replace(case.qualification.pool, offer=replace(OFFER, trades=("retail",)))
    return _mine(case, pool=pool)


def _bank(case: SaleCase) -> SaleCase:
    taken = (OtherDiscount(Payer.BANK, case.attempt.order.amount),)
    return _at(case, order=replace(case.attempt.order, discounts=taken))


# In the order of docs/till.md. What can't hold beside another fault of its line is on one line.
FAULTS: tuple[Mapping[str, Callable[[SaleCase], SaleCase]], ...] = (
    {"merchant_suspended": lambda one: _at(one, till=replace(TILL, shop_active=False))},
    {"till_locked": lambda one: _at(one, locked_seconds=30)},
    {"code_invalid": lambda one: _at(one, read=None)},
    {"code_used": lambda one: _at(one, nonce_used=True)},
    {
        "qualification_used": lambda one: _mine(one, status=Status.USED),
        "qualification_frozen": lambda one: _mine(one, status=Status.FROZEN),
        "qualification_over": lambda one: _mine(one, valid_until=NOW),
    },
    {"redemption_stopped": lambda one: _at(one, stopped=[EVERYTHING])},
    {"own_qualification": lambda one: _at(one, own=True)},
    {"shop_not_in_scope": _other_place},
    {"gtin_invalid": lambda one: _asked(one, unit=GtinInvalid())},
    {"price_not_order_amount": lambda one: _asked(one, amount=Money(1))},
    {"goods_unlisted": lambda one: _asked(one, product=None)},
    {"goods_of_another_category": lambda one: _product(one, category=Category.TABLET)},
    {"grade_differs": lambda one: _unit(_product(one, grade=1), grade=2)},
    {"imei_needed": lambda one: _unit(one, imei1=None)},
    {"above_filed_price": lambda one: _asked(one, filed_price=Money(1))},
    {"unit_sold_before": lambda one: _asked(one, sold_before="SN0001")},
    {"payer_not_holder": lambda one: _asked(one, payer_matches=False)},
    {"unit_not_covered": lambda one: _asked(one, policy=shelf.policy("appliance-2026"))},
    {"discounts_exceed_order": _bank},
    {"subsidy_short": lambda one: replace(one, left=Money(44_999))},
)
SOME = st.tuples(*(st.none() | st.sampled_from(sorted(line)) for line in FAULTS))


@given(SOME)
def test_the_first_fault_that_holds_is_answered(chosen: tuple[str | None, ...]) -> None:
    case = GOOD
    for faults, name in zip(FAULTS, chosen, strict=True):
        case = faults[name](case) if name else case
    first = next((name for name in chosen if name), None)
    if first is None:
        assert judge_sale(case).quote.subsidy == Money(45_000)
        return
    with pytest.raises(DomainError) as refusal:
        judge_sale(case)
    assert refusal.value.code == first


def test_the_table_of_the_page_has_this_order() -> None:
    page = Path(__file__).resolve().parents[2].joinpath("docs", "till.md").read_text("utf-8")
    table = page[page.index("## A unit with a qualification") :]
    named = [name for faults in FAULTS[4:] for name in faults]  # the first stand above
    places = [table.index(f"`{name}`") for name in named]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([], "one_unit_per_sale"),
        ([{}, {}], "one_unit_per_sale"),
        ([{"serial": "SN0001", "price_fen": 1}], "item_incomplete"),
        ([{"gtin": "6901234567892", "price_fen": 1}], "item_incomplete"),
        ([{"gtin": "6901234567893", "serial": "SN0001", "price_fen": 1}], "gtin_invalid"),
        ([{"gtin": "6901234567892", "serial": "!", "price_fen": 1}], "serial_invalid"),
    ],
)
def test_what_is_no_unit_is_refused_by_name(items: list[dict[str, object]], code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        unit_of(items)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("imeis", "code"),
    [
        ({"imei1": "860000000000014"}, "imei_invalid"),
        ({"imei1": "860000000000017", "imei2": "860000000000017"}, "imei_needed"),
        ({"imei2": "860000000000017"}, "imei_needed"),
    ],
)
def test_an_imei_checks_and_two_of_them_differ(imeis: dict[str, str], code: str) -> None:
    told = {"gtin": "6901234567892", "serial": "SN0001", "price_fen": 1}
    with pytest.raises(DomainError) as refusal:
        unit_of([told | imeis])
    assert refusal.value.code == code


def test_of_a_phone_with_two_imeis_both_are_needed() -> None:
    with pytest.raises(DomainError) as refusal:
        judge_sale(_product(GOOD, dual_imei=True))
    assert refusal.value.code == "imei_needed"


def test_a_serial_number_is_of_its_brand_however_that_is_written() -> None:
    assert UNIT.numbers("Ｍｏｂｉｌ ") == UNIT.numbers("mobil")
    assert UNIT.numbers("mobil") != UNIT.numbers("tablo")
