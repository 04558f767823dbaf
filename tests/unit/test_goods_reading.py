"""Tables of products and prices: read whole, or refused with the lines that are wrong."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest

from voucher_service.goods import reading, words
from voucher_service.goods.categories import Category
from voucher_service.goods.gtins import printed
from voucher_service.goods.model import GoodsFileInvalid, Listed, Product, Tag, Wanted, Wrong
from voucher_service.kernel.money import Money

FRIDGE, PHONE = "06901234567892", "06912345678902"
HEAD = "商品条码,品牌,型号,品类,能效等级,双 IMEI,指导价,标签,产地代码,从哪天起,到哪天止\n"


def slips(content: bytes | str) -> list[tuple[int, Wrong]]:
    """What is wrong with a table, by line."""
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(GoodsFileInvalid) as refusal:
        list(reading.products(raw))
    assert all(words.slip(one, "zh-CN") for one in refusal.value.slips)
    return [(one.line, one.wrong) for one in refusal.value.slips]


def test_a_table_is_read_by_its_headings_whatever_their_order_and_language() -> None:
    line = (
        '6901234567892,澜山,LS-500,冰箱,1,否,"4,999.00",本地造、首发,4417,2026-01-01,2026/12/31\n'
    )
    (found,) = reading.products((HEAD + line).encode("gb18030"))
    fridge = Product(
        gtin=FRIDGE,
        brand="澜山",
        model="LS-500",
        category=Category.REFRIGERATOR,
        grade=1,
        guide_price=Money(499_900),
        tags=frozenset({Tag.LOCAL_MADE, Tag.FIRST_LAUNCH}),
        origin_area="441700",
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
    )
    assert found == Listed(2, fridge)
    english = "Model,Category,Brand,GTIN\nLS-500,refrigerator,澜山,06901234567892\n"
    (short,) = reading.products(english.encode())
    assert (short.product.gtin, short.product.category) == (FRIDGE, Category.REFRIGERATOR)


def test_an_excel_table_says_the_same() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(("条码", "品牌", "型号", "类别", "能效", "指导价（元）", "生效日", "双IMEI"))
    book.active.append((6912345678902, "星屿", "XY 9", "手机", None, 3999, date(2026, 3, 1), "是"))
    book.save(out)
    (found,) = reading.products(out.getvalue())
    assert found.product == Product(
        gtin=PHONE,
        brand="星屿",
        model="XY 9",
        category=Category.PHONE,
        dual_imei=True,
        guide_price=Money(399_900),
        valid_from=date(2026, 3, 1),
    )


def test_every_wrong_line_is_named_with_its_reason() -> None:
    lines = (
        "6901234567892,澜山,LS-500,冰箱,1,,,,,,",
        "6901234567893,澜山,LS-501,冰箱,1,,,,,,",  # the last digit doesn't check
        "6.90123E+12,澜山,LS-501,冰箱,1,,,,,,",
        "6912345678902,,XY 9,手机,,,,,,,",
        "6912345678902,星屿,XY 9,飞机,,,,,,,",
        "6912345678902,星屿,XY 9,手机,6,,,,,,",
        "6912345678902,星屿,XY 9,手机,,也许,,,,,",
        "6912345678902,星屿,XY 9,手机,,,-1,,,,",
        "6912345678902,星屿,XY 9,手机,,,,很好,,,",
        "6912345678902,星屿,XY 9,手机,,,,,370200,,",
        "6912345678902,星屿,XY 9,手机,,,,,,明天,",
        "6912345678902,星屿,XY 9,手机,,,,,,2026-02-01,2026-01-01",
        "06901234567892,澜山,LS-500,冰箱,1,,,,,,",
    )
    assert slips(HEAD + "\n".join(lines)) == [
        (3, Wrong.GTIN),
        (4, Wrong.ROUNDED),
        (5, Wrong.TEXT),
        (6, Wrong.CATEGORY),
        (7, Wrong.GRADE),
        (8, Wrong.YES_NO),
        (9, Wrong.PRICE),
        (10, Wrong.TAG),
        (11, Wrong.AREA),
        (12, Wrong.DAY),
        (13, Wrong.DAYS),
        (14, Wrong.TWICE),
    ]


def test_a_file_that_is_no_table_is_refused_as_a_whole() -> None:
    assert slips(b"\x00\x01") == [(0, Wrong.NOT_A_TABLE)]
    assert slips(b"PK\x03\x04 broken") == [(0, Wrong.NOT_A_TABLE)]
    assert slips(HEAD) == [(0, Wrong.EMPTY)]
    assert slips("商品条码,品牌\n1,2\n") == [(1, Wrong.COLUMN_MISSING)] * 2
    assert slips("商品条码,69码,品牌,型号,品类\n") == [(1, Wrong.COLUMN_TWICE)]
    assert slips(b"") == [(1, Wrong.COLUMN_MISSING)] * 4


def test_prices_are_a_table_of_two_columns() -> None:
    found = reading.prices("条码,备案价（元）\n6901234567892,3999\n".encode())
    assert found == [Wanted(2, FRIDGE, Money(399_900))]
    with pytest.raises(GoodsFileInvalid) as refusal:
        reading.prices("条码,备案价\n6901234567892,0\n6912345678902,\n".encode())
    assert [(one.line, one.wrong) for one in refusal.value.slips] == [
        (2, Wrong.PRICE),
        (3, Wrong.PRICE),
    ]


def test_a_number_is_printed_as_it_stands_under_the_barcode() -> None:
    assert printed(FRIDGE) == "6901234567892"
