"""A till's own file: read whole or refused with its lines named, and compared with our books."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest

from tests.make import World
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import SHANGHAI, day_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.money import Money
from voucher_service.reconciliation import matching, till_file
from voucher_service.reconciliation.model import Finding, Theirs, TillFileInvalid
from voucher_service.redemption import service as redemption
from voucher_service.reports import day_end, shop_lines, statement
from voucher_service.reports.shop_lines import Sought

HEAD = "订单号,时间,订单金额,券抵,顾客付\n"
PLAIN = "A-1,2026-11-22 12:30,128.00,20.00,108.00\n"


def excel(*rows: tuple[Any, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def wrong(content: bytes) -> list[tuple[int, str]]:
    """What is wrong with a file, by line."""
    with pytest.raises(TillFileInvalid) as refusal:
        till_file.read(content)
    return [(one["line"], one["text"]) for one in refusal.value.extra["lines"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        "Order No.,Time,Order amount (CNY),Discount,Paid\n",
        " 订单编号 ,交易时间,应收金额（元）,优惠金额(元),实收金额\n",
    ],
)
def test_columns_are_known_by_their_headings_in_each_encoding(encoding: str, head: str) -> None:
    (line,) = till_file.read((head + PLAIN).encode(encoding))
    at = datetime(2026, 11, 22, 12, 30, tzinfo=SHANGHAI)
    assert line == Theirs(2, "A-1", Money(12_800), at, Money(2_000), Money(10_800))


def test_an_excel_file_says_the_same(tmp_path: Path) -> None:
    at = datetime(2026, 11, 22, 12, 30)  # noqa: DTZ001 - a spreadsheet knows no zones
    content = excel(
        ("订单号", "金额", "日期"),
        ("A-1", 128, at),
        (None, None, None),
        (20260001, 83.5, date(2026, 11, 22)),
        ("00123", "¥1,234.50", "2026/11/22"),
    )
    found = till_file.read(content)
    assert [(one.line, one.reference, one.order) for one in found] == [
        (2, "A-1", Money(12_800)),
        (4, "20260001", Money(8_350)),
        (5, "00123", Money(123_450)),
    ]
    assert {one.day for one in found} == {date(2026, 11, 22)}


def test_a_column_that_the_file_lacks_is_not_compared() -> None:
    (line,) = till_file.read(b"reference,amount\nA-1,128\n")
    assert (line.at, line.discount, line.paid) == (None, None, None)


def test_each_wrong_line_is_named_and_nothing_is_taken() -> None:
    body = (
        HEAD
        + PLAIN
        + ",2026-11-22,1,,\nB,heute,1,,\nC,,-5,,\nD,,1.234,,\n2.02611E+17,,5,,\nE,,,,\n"
    )
    assert wrong(body.encode()) == [
        (3, till_file.REFERENCE),
        (4, till_file.TIME),
        (5, till_file.AMOUNT),
        (6, till_file.AMOUNT),
        (7, till_file.ROUNDED),
        (8, till_file.AMOUNT),
    ]
    rounded = excel(("订单号", "金额"), (202611221230001234, 5))
    assert wrong(rounded) == [(2, till_file.ROUNDED)]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", till_file.NO_REFERENCE),
        (HEAD.encode(), till_file.EMPTY),
        ("时间,金额\n1,2\n".encode(), till_file.NO_REFERENCE),
        ("订单号,时间\n1,2\n".encode(), till_file.NO_AMOUNT),
        ("订单号,金额,订单号\n1,2,3\n".encode(), till_file.TWO_COLUMNS),
        (b"PK\x03\x04 not a workbook", till_file.NOT_A_TABLE),
        (b"\xff\xff\xff\x80", till_file.NOT_A_TABLE),
        (b"reference\x00,amount\nA,1\n", till_file.NOT_A_TABLE),
        (b'reference,amount\n"A,1\n', till_file.NOT_A_TABLE),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(content: bytes, text: str) -> None:
    assert [said for _, said in wrong(content)] == [text]


def test_a_file_too_long_is_refused() -> None:
    body = "reference,amount\n" + "".join(f"A{number},1\n" for number in range(50_001))
    assert wrong(body.encode()) == [(0, till_file.TOO_LONG)]


@pytest.fixture
def manager(world: World) -> Actor:
    """A manager at a shop of their own."""
    return as_manager(world.cashier())


def as_manager(cashier: Actor) -> Actor:
    """The same account with a manager's rights."""
    return Actor(cashier.kind, cashier.id, frozenset({Role.MANAGER}), cashier.area)


def test_the_result_is_kept_line_by_line(core: Core, world: World, manager: Actor) -> None:
    offer = world.offer(world.plan(quota=20))
    for name in ("same", "dear", "left"):
        world.redeem(world.claim(offer), manager, reference=name)
    day = day_of(world.now()).isoformat()
    content = (
        f"订单号,日期,订单金额,券抵\nsame,{day},128,20\nunknown,{day},50,5\ndear,{day},129,20\n"
        f"same,{day},128,20\n"
    ).encode()
    made = matching.compare(core, actor=manager, file_name="till.csv", content=content)
    assert (made.first, made.last, made.open) == (day_of(world.now()), day_of(world.now()), 4)
    assert matching.get(core, actor=manager, matching=made.id) == made
    page = matching.lines(core, actor=manager, matching=made.id, finding=None, cursor=None, limit=3)
    rest = matching.lines(
        core, actor=manager, matching=made.id, finding=None, cursor=page.next, limit=3
    )
    assert [one.pair.finding for one in (*page.items, *rest.items)] == [
        Finding.ONLY_THEIRS,
        Finding.AMOUNT_DIFFERS,
        Finding.DUPLICATE,
        Finding.ONLY_OURS,
    ]
    (same,) = matching.lines(
        core, actor=manager, matching=made.id, finding=Finding.MATCHED, cursor=None, limit=9
    ).items
    assert same.pair.theirs == Theirs(2, "same", Money(12_800), day_of(world.now()), Money(2_000))
    assert matching.matchings(core, actor=manager, cursor=None, limit=9).items == [made]


def test_our_own_statement_matches_our_books_whole(
    core: Core, world: World, manager: Actor
) -> None:
    offer = world.offer(world.plan(quota=20))
    for name in ("=1+2", "-7", "00012", "A 1".replace(" ", "")):
        world.redeem(world.claim(offer), manager, reference=name)
    came_to_nothing(world, manager)
    today = day_of(world.now())
    for format_ in ("csv", "xlsx"):
        for locale in ("zh-CN", "en"):
            out = io.BytesIO()
            statement.statement(
                core,
                actor=manager,
                sought=Sought(today, today),
                format_=format_,
                locale=locale,
                out=out,
            )
            made = matching.compare(
                core, actor=manager, file_name=f"ours.{format_}", content=out.getvalue()
            )
            assert (made.open, made.counts[Finding.MATCHED]) == (0, 4)


def test_a_statement_has_texts_as_texts_and_sums_as_numbers(
    core: Core, world: World, manager: Actor
) -> None:
    world.redeem(world.claim(world.offer()), manager, reference="=cmd|'/c'!A1")
    today = day_of(world.now())
    files = {}
    for format_ in ("csv", "xlsx"):
        out = io.BytesIO()
        statement.statement(
            core,
            actor=manager,
            sought=Sought(today, today),
            format_=format_,
            locale="zh-CN",
            out=out,
        )
        files[format_] = out.getvalue()
    sheet = openpyxl.load_workbook(io.BytesIO(files["xlsx"])).active
    assert sheet is not None and sheet.freeze_panes == "B2"
    cells = [cell for cell in sheet[2] if cell.value is not None]
    assert [cell.data_type for cell in cells[:5]] == ["s", "s", "d", "n", "n"]
    assert cells[0].value == "=cmd|'/c'!A1" and cells[3].value == 128
    _, line, total = csv.reader(io.StringIO(files["csv"].decode("utf-8-sig")))
    assert line[0].startswith("'=") and line[3] == "128.00"
    assert total[:4] == ["合计", "1 笔已核销", "", "128.00"]


def came_to_nothing(world: World, manager: Actor) -> None:
    """An order that was reversed, and one that was reversed before it came."""
    world.redeem(world.claim(world.offer()), manager, reference="gone")
    for name in ("gone", "ghost"):
        redemption.reverse(
            world.core, actor=manager, reference=name, reason="误操作", key=uuid4().hex
        )


def test_a_statement_adds_up_to_the_day_end(core: Core, world: World, manager: Actor) -> None:
    offer, today = world.offer(world.plan(quota=20)), day_of(world.now())
    for name, fen in (("one", 12_800), ("two", 20_000)):
        world.redeem(world.claim(offer), manager, reference=name, order_fen=fen)
    came_to_nothing(world, manager)
    out = io.BytesIO()
    statement.statement(
        core, actor=manager, sought=Sought(today, today), format_="xlsx", locale="zh-CN", out=out
    )
    sheet = openpyxl.load_workbook(out).active
    assert sheet is not None
    _, *rows, total = sheet.iter_rows(values_only=True)
    states = {row[0]: row[1] for row in rows}
    assert states == {"one": "已核销", "two": "已核销", "gone": "已冲正", "ghost": "已作废"}
    sums = [[row[column] for row in rows if row[column] is not None] for column in range(3, 7)]
    end = day_end.day_end(core, actor=manager, first=today, last=today).total
    said = [Decimal(one.yuan_text()) for one in (end.order, end.discount, end.other, end.paid)]
    assert [Decimal(str(sum(column))) for column in sums] == said
    assert [Decimal(str(cell)) for cell in total[3:7]] == said
    assert total[:2] == ("合计", "2 笔已核销")


def test_what_the_platform_undid_is_told_from_what_it_never_had(
    core: Core, world: World, manager: Actor
) -> None:
    came_to_nothing(world, manager)
    content = b"reference,amount\ngone,128\nghost,128\nnever,128\n"
    made = matching.compare(core, actor=manager, file_name="x", content=content)
    page = matching.lines(core, actor=manager, matching=made.id, finding=None, cursor=None, limit=9)
    assert [(one.pair.reference, one.pair.finding) for one in page.items] == [
        ("gone", Finding.UNDONE),
        ("ghost", Finding.UNDONE),
        ("never", Finding.ONLY_THEIRS),
    ]
    assert made.counts[Finding.UNDONE] == 2


def test_books_are_their_own_shops_and_the_managers(
    core: Core, world: World, manager: Actor
) -> None:
    content = b"reference,amount\nA-1,128\n"
    made = matching.compare(core, actor=manager, file_name="x", content=content)
    other, cashier = as_manager(world.cashier()), world.cashier()
    with pytest.raises(NoSuchThing):
        matching.get(core, actor=other, matching=made.id)
    with pytest.raises(NotAllowed):
        matching.compare(core, actor=cashier, file_name="x", content=content)
    with pytest.raises(NotAllowed):
        statement.statement(
            core,
            actor=cashier,
            sought=Sought(date(2026, 1, 1), date(2026, 1, 1)),
            format_="csv",
            locale="en",
            out=io.BytesIO(),
        )


def test_orders_are_found_by_reference_sum_state_and_the_vouchers_last_digits(
    core: Core, world: World, manager: Actor
) -> None:
    offer = world.offer(world.plan(quota=20))
    found = {}
    for number, name in enumerate(("S-1", "S-2", "S-3")):
        voucher = world.claim(offer)
        world.redeem(voucher, manager, reference=name, order_fen=12_800 + number)
        found[name] = f"{voucher.id.int % 10**12:012d}"
    today = day_of(world.now())

    def search(**wanted: Any) -> list[str]:
        page = shop_lines.search(
            core, actor=manager, sought=Sought(today, today, **wanted), cursor=None, limit=9
        )
        return [one.reference for one in page.items]

    assert search() == ["S-3", "S-2", "S-1"]
    assert search(reference="S-2") == ["S-2"]
    assert search(amount=Money(12_802)) == ["S-3"]
    for name, number in found.items():
        assert search(digits=number) == [name]
        assert name in search(digits=number[-4:])
    first = shop_lines.search(
        core, actor=manager, sought=Sought(today, today), cursor=None, limit=2
    )
    rest = shop_lines.search(
        core, actor=manager, sought=Sought(today, today), cursor=first.next, limit=2
    )
    assert [one.reference for one in (*first.items, *rest.items)] == ["S-3", "S-2", "S-1"]
    assert first.items[0].number == found["S-3"]
