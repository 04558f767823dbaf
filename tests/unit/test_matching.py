"""The comparison of two accounts of the same orders."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from voucher_service.kernel.ids import RedemptionId, new_id
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.model import Finding, Ours, Part, Theirs, match

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
DAY = date(2026, 11, 22)
REFERENCES = st.sampled_from([f"A-{number}" for number in range(8)])


def ours(reference: str, at: datetime = NOON, order: int = 12_800, discount: int = 2_000) -> Ours:
    sums = Money(order), Money(discount), Money(order - discount)
    return Ours(RedemptionId(new_id()), reference, at, *sums)


def theirs(line: int, reference: str, order: int = 12_800, **more: object) -> Theirs:
    return Theirs(line, reference, Money(order), **more)  # type: ignore[arg-type]


def test_each_kind_of_difference_is_named() -> None:
    late = NOON + timedelta(days=1)
    books = [ours(name) for name in ("same", "dear", "twice", "left", "hidden")] + [
        ours("shifted", late),
        ours("tomorrow", late),
    ]
    file = [
        theirs(2, "same", at=NOON, discount=Money(2_000), paid=Money(10_800)),
        theirs(3, "dear", 12_900, discount=Money(2_000), paid=Money(10_900)),
        theirs(4, "twice"),
        theirs(5, "twice"),
        theirs(6, "hidden", discount=None, at=DAY),
        theirs(7, "shifted", at=NOON),
        theirs(8, "unknown"),
    ]
    file += [theirs(9, "ended"), theirs(10, "ended")]
    found = match(books, file, first=DAY, last=DAY, undone=[ours("ended"), ours("forgotten")])
    assert [(pair.reference, pair.finding) for pair in found] == [
        ("same", Finding.MATCHED),
        ("dear", Finding.AMOUNT_DIFFERS),
        ("twice", Finding.MATCHED),
        ("twice", Finding.DUPLICATE),
        ("hidden", Finding.MATCHED),
        ("shifted", Finding.DATE_SHIFTED),
        ("unknown", Finding.ONLY_THEIRS),
        ("ended", Finding.UNDONE),
        ("ended", Finding.DUPLICATE),
        ("left", Finding.ONLY_OURS),
    ]
    assert found[1].differs == (Part.ORDER, Part.PAID)


def test_the_day_turns_over_at_midnight_in_shanghai() -> None:
    one = ours("night", datetime(2026, 11, 22, 16, 30, tzinfo=UTC))  # half past midnight there
    assert match([one], [theirs(2, "night", at=date(2026, 11, 23))], first=DAY, last=DAY)[
        0
    ].finding is (Finding.MATCHED)


def test_a_tolerance_forgives_a_rounded_sum_and_no_fen_more() -> None:
    one = ours("x", order=12_850)
    for order, finding in ((12_900, Finding.MATCHED), (12_901, Finding.AMOUNT_DIFFERS)):
        (pair,) = match([one], [theirs(2, "x", order)], first=DAY, last=DAY, tolerance=Money(50))
        assert pair.finding is finding


@given(
    st.lists(REFERENCES, unique=True),
    st.lists(st.tuples(REFERENCES, st.sampled_from([12_800, 12_900]))),
)
def test_every_line_of_both_sides_is_found_exactly_once(
    known: list[str], told: list[tuple[str, int]]
) -> None:
    books = [ours(name) for name in known]
    file = [theirs(number, *line) for number, line in enumerate(told, 2)]
    pairs = match(books, file, first=DAY, last=DAY)
    assert [pair.theirs for pair in pairs if pair.theirs] == file
    counts = Counter(
        pair.ours.id for pair in pairs if pair.ours and pair.finding is not Finding.DUPLICATE
    )
    assert counts == Counter(one.id for one in books)
    assert all(
        (pair.ours is None) == (pair.finding is Finding.ONLY_THEIRS)
        for pair in pairs
        if pair.finding is not Finding.DUPLICATE
    )
