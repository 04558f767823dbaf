"""What is said of a million lines by one statement is what the pure matcher says of a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import select, text

from tests.reconciliation.samples import NOON
from voucher_service.infra.core import Core
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import RedemptionId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.reconciliation.differences import comparing, formats, line_store
from voucher_service.reconciliation.differences.layout import LineKind, Told
from voucher_service.reconciliation.differences.model import ChannelFileId, ChannelLine
from voucher_service.reconciliation.differences.tables import ChannelLineRow
from voucher_service.reconciliation.model import Finding, Ours, Pair, Theirs, match

TODAY = day_of(NOON)
SPAN = TODAY - timedelta(days=1), TODAY
TILL = formats.get("till")
LINE = ChannelLineRow.__table__
_KEEP = text(
    "INSERT INTO channel_ours VALUES (:kind, :reference, :id, :refund, :at, :order, :discount,"
    " :paid, :undone, :expected)"
)
references = some.sampled_from(["A", "B", "C", "D", "E"])
sums = some.sampled_from([0, 99, 100, 101])
hours = some.integers(-60, 60).map(lambda hour: NOON + timedelta(hours=hour))
orders = some.tuples(references, hours, sums, sums, sums, some.booleans())
lines = some.tuples(references, hours, sums, some.none() | sums, some.none() | sums)


def ours_of(rows: Sequence[tuple[str, datetime, int, int, int, bool]]) -> list[tuple[Ours, bool]]:
    """Orders of ours, each reference once, and whether they came to nothing."""
    unique = {row[0]: row for row in rows}.values()
    return [
        (
            Ours(
                RedemptionId(new_id()),
                reference,
                at,
                *((ZERO,) * 3 if undone else map(Money, (order, discount, paid))),
            ),
            undone,
        )
        for reference, at, order, discount, paid, undone in unique
    ]


def by_statement(
    core: Core, ours: Sequence[tuple[Ours, bool]], theirs: Sequence[Told], tolerance: int
) -> list[ChannelLine]:
    """The lines that the statement makes of both sides."""
    file = ChannelFileId(new_id())
    with core.transaction() as session:
        comparing.prepare(session)
        comparing.stage(session, theirs)
        for one, undone in ours:
            told = {
                "kind": "payment",
                "reference": one.reference,
                "id": one.id,
                "refund": None,
                "at": one.at,
                "order": one.order.fen,
                "discount": one.discount.fen,
                "paid": one.paid.fen,
                "undone": undone,
                "expected": SPAN[0] <= day_of(one.at) <= SPAN[1],
            }
            session.execute(_KEEP, told)
        format = replace(TILL, tolerance=Money(tolerance))
        comparing.compare(session, file=file, format=format)
        kept = select(LINE).where(LINE.c.file_id == file).order_by(LINE.c.place)
        found = [line_store.line_of(row) for row in session.execute(kept)]
        session.rollback()
    return found


def as_pair(line: ChannelLine) -> tuple[Finding, UUID | None, int | None, tuple[str, ...]]:
    ours, theirs = line.ours, line.theirs
    return (
        line.finding,
        ours.redemption_id if ours else None,
        theirs.line if theirs else None,
        tuple(map(str, line.differs)),
    )


def of_pair(pair: Pair) -> tuple[Finding, UUID | None, int | None, tuple[str, ...]]:
    return (
        pair.finding,
        pair.ours.id if pair.ours else None,
        pair.theirs.line if pair.theirs else None,
        tuple(map(str, pair.differs)),
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(some.lists(orders, max_size=6), some.lists(lines, max_size=7), some.sampled_from([0, 1]))
def test_the_statement_says_what_the_matcher_says(
    core: Core,
    ordered: list[tuple[str, datetime, int, int, int, bool]],
    listed: list[tuple[str, datetime, int, int | None, int | None]],
    tolerance: int,
) -> None:
    ours = ours_of(ordered)
    told = [
        Told(place, LineKind.PAYMENT, reference, at, day_of(at), order, discount, paid)
        for place, (reference, at, order, discount, paid) in enumerate(listed, 1)
    ]
    pairs = match(
        [one for one, undone in ours if not undone],
        [
            Theirs(
                one.line,
                one.reference,
                Money(one.order or 0),
                one.at,
                None if one.discount is None else Money(one.discount),
                None if one.paid is None else Money(one.paid),
            )
            for one in told
        ],
        first=SPAN[0],
        last=SPAN[1],
        undone=[one for one, undone in ours if undone],
        tolerance=Money(tolerance),
    )
    found = by_statement(core, ours, told, tolerance)
    assert [as_pair(one) for one in found if one.theirs] == [
        of_pair(one) for one in pairs if one.theirs
    ]
    assert {as_pair(one) for one in found} == {of_pair(one) for one in pairs}
    assert [one.place for one in found] == list(range(1, len(pairs) + 1))


def test_two_of_our_orders_that_name_one_payment_are_a_duplicate(core: Core) -> None:
    def order(hour: int) -> tuple[Ours, bool]:
        at = NOON + timedelta(hours=hour)
        sums = Money(200), Money(100), Money(100)
        return Ours(RedemptionId(new_id()), "A", at, *sums), False

    first, second = order(1), order(2)
    line = Told(1, LineKind.PAYMENT, "A", NOON, date(2026, 9, 23), None, None, 100)
    found = by_statement(core, [second, first], [line], 0)
    assert [as_pair(one)[:3] for one in found] == [
        (Finding.MATCHED, first[0].id, 1),
        (Finding.DUPLICATE, second[0].id, None),
    ]
