"""Tables of products and of prices as people hand them in: CSV or Excel, by their headings. Pure.

All or nothing: a table with a line that can't be read is refused with its lines named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from voucher_service.i18n import gettext, mark
from voucher_service.infra import areas, sheets
from voucher_service.kernel.money import Money

from .categories import CATEGORIES, Category
from .gtins import GtinInvalid, gtin
from .model import (
    MOST_PRICES,
    MOST_PRODUCTS,
    TAGS,
    GoodsFileInvalid,
    Listed,
    Product,
    Slip,
    Tag,
    Wanted,
    Wrong,
)

T = TypeVar("T")
MOST_NAMED = 20
# A hundred thousand products in Excel's own XML.
_MOST_UNPACKED = 256 * 1024 * 1024
_MOST_LETTERS = {"brand": 40, "model": 60, "name": 80}
# Each column with the heading that our own files have; `_ALSO` are others that people write.
HEADINGS: Mapping[str, str] = {
    "gtin": mark("商品条码"),
    "brand": mark("品牌"),
    "model": mark("型号"),
    "category": mark("品类"),
    "name": mark("商品名称"),
    "grade": mark("能效等级"),
    "dual_imei": mark("双 IMEI"),
    "guide_price": mark("指导价"),
    "tags": mark("标签"),
    "origin_area": mark("产地代码"),
    "valid_from": mark("从哪天起"),
    "valid_until": mark("到哪天止"),
    "price": mark("备案价"),
}
_ALSO: Mapping[str, str] = {
    "gtin": "gtin 条码 69码 条形码 barcode ean",
    "brand": "brand",
    "model": "规格型号 model",
    "category": "类别 类目 category",
    "name": "名称 品名 name",
    "grade": "能效 水效等级 能效水效等级 grade",
    "dual_imei": "双imei dualimei",
    "guide_price": "备案指导价 guideprice",
    "tags": "tags",
    "origin_area": "产地 originarea",
    "valid_from": "生效日 validfrom",
    "valid_until": "失效日 validuntil",
    "price": "价格 售价 price filedprice",
}
_PRODUCT_NEEDS = ("gtin", "brand", "model", "category")
_PRICE_NEEDS = ("gtin", "price")
YES, NO = mark("是"), mark("否")
_YES = frozenset({"1", "y", "yes", "true", YES})
_NO = frozenset({"", "0", "n", "no", "false", NO})
_JOINTS = re.compile(r"[,、;/|]")


class _Wrong(Exception):
    """A cell that can't be taken, why, and its heading."""

    def __init__(self, wrong: Wrong, about: str) -> None:
        super().__init__(wrong)
        self.wrong, self.about = wrong, about


def products(content: bytes) -> Iterator[Listed]:
    """The products of a table, line by line. Raises GoodsFileInvalid, at the latest at its end."""
    return _lines(content, _PRODUCT_NEEDS, MOST_PRODUCTS, _listed, lambda one: one.product.gtin)


def prices(content: bytes) -> list[Wanted]:
    """The prices of a table. Raises GoodsFileInvalid."""
    return list(_lines(content, _PRICE_NEEDS, MOST_PRICES, _wanted, lambda one: one.gtin))


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: its cells, where each column stands, and how it is headed."""

    number: int
    cells: Sequence[Any]
    columns: Mapping[str, int]
    heads: Mapping[str, str]

    def cell(self, name: str) -> Any:
        """What stands in a column; None where the table lacks it."""
        place = self.columns.get(name, len(self.cells))
        return self.cells[place] if place < len(self.cells) else None

    def text(self, name: str) -> str:
        """The same as a text in half width."""
        return sheets.folded(self.cell(name))

    def wrong(self, wrong: Wrong, name: str) -> _Wrong:
        """What is wrong with a column here."""
        return _Wrong(wrong, self.heads.get(name, ""))


def _lines(
    content: bytes,
    needs: Sequence[str],
    most: int,
    read: Callable[[_Row], T],
    name: Callable[[T], str],
) -> Iterator[T]:
    rows = _rows(content)
    _, head = next(rows, (0, ()))
    columns = _columns(head, needs)
    words = {column: str(head[place]) for column, place in columns.items()}
    seen: set[str] = set()
    slips: list[Slip] = []
    for count, (number, cells) in enumerate(rows, 1):
        if count > most:
            raise GoodsFileInvalid([Slip(0, Wrong.TOO_LONG, f"{most:,}")])
        row = _Row(number, cells, columns, words)
        try:
            found = read(row)
            if name(found) in seen:
                raise row.wrong(Wrong.TWICE, "gtin")
        except _Wrong as error:
            slips.append(Slip(number, error.wrong, error.about))
            if len(slips) >= MOST_NAMED:
                break
            continue
        seen.add(name(found))
        yield found
    if slips or not seen:
        raise GoodsFileInvalid(slips or [Slip(0, Wrong.EMPTY)])


def _rows(content: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    try:
        yield from sheets.rows(content, most_unpacked=_MOST_UNPACKED)
    except sheets.NotATable:
        raise GoodsFileInvalid([Slip(0, Wrong.NOT_A_TABLE)]) from None
    except sheets.TooLarge:
        raise GoodsFileInvalid([Slip(0, Wrong.TOO_LONG, f"{MOST_PRODUCTS:,}")]) from None


def _columns(head: Sequence[Any], needs: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(head):
        name = _named().get(sheets.heading(cell))
        if name in found:
            raise GoodsFileInvalid([Slip(1, Wrong.COLUMN_TWICE, str(cell))])
        if name:
            found[name] = place
    missing = [Slip(1, Wrong.COLUMN_MISSING, HEADINGS[one]) for one in needs if one not in found]
    if missing:
        raise GoodsFileInvalid(missing)
    return found


@cache
def _named() -> dict[str, str]:
    """Columns by their headings, without blanks and case, in both languages."""
    words = {
        sheets.heading(gettext(text, locale)): name
        for name, text in HEADINGS.items()
        for locale in ("zh-CN", "en")
    }
    return words | {word: name for name, also in _ALSO.items() for word in also.split()}


@cache
def _categories() -> dict[str, Category]:
    return _by_word(CATEGORIES)


@cache
def _tags() -> dict[str, Tag]:
    return _by_word(TAGS)


W = TypeVar("W", Category, Tag)


def _by_word(names: Mapping[W, str]) -> dict[str, W]:
    """Values by their own word and by their name in both languages, without blanks and case."""
    spelt = {}
    for value, text in names.items():
        for word in (str(value), gettext(text, "zh-CN"), gettext(text, "en")):
            spelt["".join(word.lower().split())] = value
    return spelt


def _listed(row: _Row) -> Listed:
    origin = row.text("origin_area")
    if origin and not areas.known(origin):
        raise row.wrong(Wrong.AREA, "origin_area")
    first = _of(row, "valid_from", sheets.day, Wrong.DAY)
    last = _of(row, "valid_until", sheets.day, Wrong.DAY)
    if first and last and last < first:
        raise row.wrong(Wrong.DAYS, "valid_until")
    return Listed(
        row.number,
        Product(
            gtin=_gtin(row),
            brand=_word(row, "brand", needed=True),
            model=_word(row, "model", needed=True),
            category=_category(row),
            name=_word(row, "name"),
            grade=_grade(row),
            dual_imei=_yes(row, "dual_imei"),
            guide_price=_price(row, "guide_price"),
            tags=_tags_of(row),
            origin_area=areas.full(origin),
            valid_from=first,
            valid_until=last,
        ),
    )


def _wanted(row: _Row) -> Wanted:
    price = _price(row, "price")
    if price is None:
        raise row.wrong(Wrong.PRICE, "price")
    return Wanted(row.number, _gtin(row), price)


def _of(row: _Row, name: str, read: Callable[[Any], T], wrong: Wrong) -> T:
    try:
        return read(row.cell(name))
    except ValueError:
        raise row.wrong(wrong, name) from None


def _gtin(row: _Row) -> str:
    try:
        return gtin(sheets.number_text(row.cell("gtin")))
    except sheets.Rounded:
        raise row.wrong(Wrong.ROUNDED, "gtin") from None
    except (GtinInvalid, ValueError):
        raise row.wrong(Wrong.GTIN, "gtin") from None


def _word(row: _Row, name: str, *, needed: bool = False) -> str:
    text = " ".join(row.text(name).split())
    if len(text) > _MOST_LETTERS[name] or not text.isprintable() or (needed and not text):
        raise row.wrong(Wrong.TEXT, name)
    return text


def _category(row: _Row) -> Category:
    found = _categories().get("".join(row.text("category").lower().split()))
    if found is None:
        raise row.wrong(Wrong.CATEGORY, "category")
    return found


def _grade(row: _Row) -> int | None:
    text = row.text("grade").removesuffix(".0").removesuffix("级")
    if not text:
        return None
    if text not in {"1", "2", "3", "4", "5"}:
        raise row.wrong(Wrong.GRADE, "grade")
    return int(text)


def _yes(row: _Row, name: str) -> bool:
    text = row.text(name).lower()
    if text not in _YES | _NO:
        raise row.wrong(Wrong.YES_NO, name)
    return text in _YES


def _price(row: _Row, name: str) -> Money | None:
    price = _of(row, name, sheets.amount, Wrong.PRICE)
    if price is not None and not price:
        raise row.wrong(Wrong.PRICE, name)
    return price


def _tags_of(row: _Row) -> frozenset[Tag]:
    text = "".join(row.text("tags").lower().split())
    words = {word for word in _JOINTS.split(text) if word}
    if not words <= set(_tags()):
        raise row.wrong(Wrong.TAG, "tags")
    return frozenset(_tags()[word] for word in words)
