"""A channel's file is read whole and exactly, or refused with its lines named."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from tests.reconciliation.samples import CHANNELS, FORMATS, NOON, told, written
from voucher_service.infra.data_files import DataFileInvalid
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.reconciliation.differences import formats, reading
from voucher_service.reconciliation.differences.layout import Against, Days, LineKind, Told
from voucher_service.reconciliation.differences.model import (
    ChannelFileInvalid,
    ChannelFormatUnknown,
)
from voucher_service.reconciliation.differences.reading import Reading

WECHAT = (
    "\ufeff交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易状态,应结订单金额,退款金额,商品名称\r\n"
    "`2026-09-23 12:00:01,`wx1,`1900,`4200000000202609230000000001,`A-1,`SUCCESS,`108.00,"
    "`0.00,`茶,大杯\r\n"
    "`2026-09-23  18:30:00,`wx1,`1900,`4200000000202609230000000001,`A-1,`REFUND,`0.00,`8.5,`茶\r\n"
    "总交易单数,应结订单总金额,退款总金额,手续费总金额\r\n"
    "`2,`108.00,`8.50,`0.54000\r\n"
)
ALIPAY = (
    "#支付宝业务明细查询\n#账号：[2088]\n"
    "支付宝交易号,商户订单号,业务类型,完成时间,商家实收（元）\n"
    "2026092322001400000000000001\t,A-1\t,交易\t,2026-09-23 12:00:01,108.00\n"
    "2026092322001400000000000001\t,A-1\t,退款\t,2026-09-23 18:30:00,-8.50\n"
    "#-----业务明细列表结束-----\n"
    "#交易合计：1笔，商家实收共108.00元，商家优惠共0.00元\n"
    "#退款合计：1笔，商家实收退款共-8.50元，商家优惠退款共0.00元\n"
)
BANK = (
    "记账日期,交易时间,业务流水号,银行流水号,金额,状态\r\n"
    "2026-09-25,2026-09-23 15:00:00,2026092200000100000001,B1,108.00,成功\r\n"
    "2026-09-25,2026-09-25 09:00:00,2026092200000100000002,B2,20.00,退票\r\n"
    "2026-09-25,2026-09-25 09:00:00,2026092200000100000003,B3,20.00,处理中\r\n"
    "成功笔数,成功金额,退回笔数,退回金额\r\n1,108.00,1,20.00\r\n"
)
UNIONPAY = (
    "清算日期,交易日期,交易时间,检索参考号,交易类型,交易金额\n"
    "20260924,20260923,230501,260923000001,消费,10800\n"
    "总笔数,消费总金额\n1,10800\n"
)


def read(format: str, content: bytes, days: Days | None = None) -> list[Told]:
    return list(Reading(formats.get(format), io.BytesIO(content), days).lines())


def wrong(format: str, content: bytes | str) -> list[tuple[int, str]]:
    """What is wrong with a file, by line."""
    raw = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(ChannelFileInvalid) as refusal:
        read(format, raw)
    return [(one["line"], one["text"]) for one in refusal.value.extra["lines"]]


def test_a_wechat_bill_is_read_field_by_field_though_names_hold_commas() -> None:
    paid, back = read("wechat", WECHAT.encode())
    assert (paid.line, paid.kind, paid.paid) == (2, LineKind.PAYMENT, 10_800)
    assert paid.at == datetime(2026, 9, 23, 12, 0, 1, tzinfo=SHANGHAI)
    assert (back.kind, back.paid, back.at.hour) == (LineKind.REFUND, 850, 18)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
def test_an_alipay_bill_is_read_in_both_encodings(encoding: str) -> None:
    paid, back = read("alipay", ALIPAY.encode(encoding))
    assert paid.reference == "2026092322001400000000000001"
    assert [(one.kind, one.paid) for one in (paid, back)] == [
        (LineKind.PAYMENT, 10_800),
        (LineKind.REFUND, 850),
    ]


def test_a_column_for_the_day_of_clearing_counts_before_the_clock() -> None:
    (line,) = read("unionpay", UNIONPAY.encode("gb18030"))
    assert (line.day, line.at.hour, line.paid) == (date(2026, 9, 24), 23, 10_800)


def test_a_banks_statement_tells_payments_from_what_came_back() -> None:
    paid, back = read("bank", BANK.encode("gb18030"))
    assert (paid.kind, paid.paid, paid.reference[-1]) == (LineKind.PAYMENT, 10_800, "1")
    assert (back.kind, back.paid, back.day) == (LineKind.REFUND, 2_000, date(2026, 9, 25))


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_written_in_a_format_is_read_again_as_it_was(format: str) -> None:
    lines = [told(f"{place:012}", place * 7 + 1, order=500, discount=100) for place in range(50)]
    if formats.get(format).against is not Against.ORDERS:
        lines = [told(f"{place:012}", place * 7 + 1) for place in range(50)]
        lines += [told("000000000001", 3, kind=LineKind.REFUND)]
    found = read(format, written(format, lines))
    assert [(one.kind, one.reference, one.at, one.order, one.paid) for one in found] == [
        (one.kind, one.reference, one.at, one.order, one.paid) for one in lines
    ]


def test_a_format_is_found_by_its_channel_too_and_an_unknown_one_refused() -> None:
    assert formats.get("wechat") is formats.get("wechat-2023")
    with pytest.raises(ChannelFormatUnknown):
        formats.get("cash")


def test_a_format_file_with_a_misspelt_key_is_refused_by_its_name() -> None:
    good = (formats.settings.CONFIG / "channels" / "wechat-2023.toml").read_bytes()
    with pytest.raises(DataFileInvalid, match="wechat: colour"):
        formats.parse("wechat", b'colour = "green"\n' + good)
    with pytest.raises(DataFileInvalid, match="shift_days"):
        formats.parse("wechat", good.replace(b"shift_days = 1", b"shift_days = 99"))


MALFORMED: dict[str, tuple[str, Callable[[], bytes], list[tuple[int, str]]]] = {
    "nothing": ("wechat", lambda: b"", [(0, reading.NO_HEAD)]),
    "another channel's": ("wechat", ALIPAY.encode, [(0, reading.NO_HEAD)]),
    "a gzip that broke off": ("wechat", lambda: gzip.compress(WECHAT.encode())[:60],
                              [(0, reading.PACKED)]),
    "an Excel workbook": ("alipay", lambda: b"PK\x03\x04" + bytes(200), [(0, reading.PACKED)]),
    "an empty byte": ("unionpay", lambda: UNIONPAY.encode().replace(b"260923", b"26\x00923"),
                      [(2, reading.BINARY)]),
    "two bytes a character": ("unionpay", lambda: UNIONPAY.encode("utf-16"),
                              [(1, reading.BINARY)]),
    "spaces and a mark alone": ("bank", lambda: b"\xef\xbb\xbf \r\n\r\n", [(0, reading.NO_HEAD)]),
    "a return that the bank did not sum": (
        "bank",
        lambda: BANK.replace("1,108.00,1,", "1,108.00,0,").encode("gb18030"),
        [(0, reading.TOTAL)],
    ),
    "a picture": ("wechat", lambda: b"\x89PNG\r\n\x1a\n" + bytes(99), [(3, reading.BINARY)]),
    "a column twice": (
        "wechat",
        WECHAT.replace("商品名称", "退款金额", 1).encode,
        [(1, reading.TWICE)],
    ),
    "a broken character": (
        "wechat",
        lambda: WECHAT.encode().replace("茶,大".encode(), b"\xff\xfe"),
        [(2, reading.ENCODING)],
    ),
    "another encoding": ("wechat", lambda: WECHAT.encode("gb18030"), [(1, reading.ENCODING)]),
    "a line that was cut": (
        "unionpay",
        UNIONPAY.replace(",消费,10800", "").encode,
        [(2, reading.SHORT)],
    ),
    "an open quote": (
        "unionpay",
        UNIONPAY.replace("消费,10800", '"消费,10800').encode,
        [(2, reading.BROKEN)],
    ),
    "an unknown state": (
        "wechat",
        WECHAT.replace("`SUCCESS", "`PENDING").encode,
        [(2, reading.KIND)],
    ),
    "a rounded number": (
        "wechat",
        WECHAT.replace("`4200000000202609230000000001", "`4.20E+27", 1).encode,
        [(2, reading.ROUNDED)],
    ),
    "no number": (
        "wechat",
        WECHAT.replace("`4200000000202609230000000001", "`", 1).encode,
        [(2, reading.REFERENCE)],
    ),
    "an amount in thirds": ("wechat", WECHAT.replace("`108.00", "`108.005", 1).encode,
                            [(2, reading.AMOUNT)]),
    "a payment below nought": ("wechat", WECHAT.replace("`108.00", "`-108.00", 1).encode,
                               [(2, reading.NEGATIVE)]),
    "yuan where fen are due": ("unionpay", UNIONPAY.replace("10800", "108.00").encode,
                               [(2, reading.AMOUNT)]),
    "a day that is none": ("wechat", WECHAT.replace("2026-09-23 12", "2026-09-31 12").encode,
                           [(2, reading.TIME)]),
    "a total that is wrong": ("wechat", WECHAT.replace("`2,`108.00", "`2,`108.01").encode,
                              [(0, reading.TOTAL)]),
    "a count that is wrong": ("alipay", ALIPAY.replace("1笔，商家实收共", "2笔，商家实收共").encode,
                              [(0, reading.TOTAL)]),
    "no totals": ("wechat", WECHAT.partition("总交易")[0].encode,
                  [(0, reading.NO_TOTALS)] * 3),
    "a tail behind the totals": ("wechat", (WECHAT + "`1,`2\r\n").encode,
                                 [(6, reading.AFTER_TOTALS)]),
    "no line": ("unionpay", (UNIONPAY.partition("\n")[0] + "\n总笔数,消费总金额\n0,0").encode,
                [(0, reading.EMPTY)]),
    "one endless line": ("wechat", lambda: WECHAT.encode() + b"`" * 70_000,
                         [(6, reading.TOO_LONG)]),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_refused_with_its_lines(name: str) -> None:
    format, content, expected = MALFORMED[name]
    assert wrong(format, content()) == expected


def test_the_first_twenty_wrong_lines_are_named() -> None:
    line = WECHAT.splitlines()[1].replace("SUCCESS", "MAYBE")
    found = wrong("wechat", "\n".join([WECHAT.splitlines()[0], *[line] * 50]))
    assert found == [(place, reading.KIND) for place in range(2, 22)]


@pytest.mark.parametrize("format", FORMATS)
def test_lines_of_several_days_are_taken_once_somebody_said_which(format: str) -> None:
    content = written(format, [told("000000000001", 100), told("000000000002", 100, days=-5)])
    head = next(
        place for place, line in enumerate(content.splitlines(), 1) if b"000000000001" in line
    )
    assert wrong(format, content) == [(head + 1, reading.DAYS_NOT_SAID)]
    today = NOON.date()
    for days in (Days(today, today), Days(today - timedelta(days=5), today)):
        found = Reading(formats.get(format), io.BytesIO(content), days)
        assert (len(list(found.lines())), found.about) == (2, days)
    with pytest.raises(ChannelFileInvalid) as refusal:
        read(format, content, Days.said(today - timedelta(days=1)))
    assert refusal.value.extra["lines"][0]["text"] == reading.OTHER_DAY


@pytest.mark.parametrize("format", CHANNELS)
def test_a_file_that_was_cut_anywhere_is_noticed(format: str) -> None:
    lines = [told(f"{place:012}", 100) for place in range(3)]
    content = written(format, [*lines, told("000000000001", 50, kind=LineKind.REFUND)])
    for end in range(0, len(content) - 10, 7):
        with pytest.raises(ChannelFileInvalid):
            read(format, content[:end])
