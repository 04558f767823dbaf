"""The library: what a product is on a day, search, the whole of it as a file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import BinaryIO

from sqlalchemy.orm import Session

from voucher_service.i18n import gettext, mark
from voucher_service.infra import sheet_files
from voucher_service.infra.core import Core
from voucher_service.infra.sheet_files import Cell, Sheet
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.page import CursorInvalid, Page, cut, decode_cursor

from .. import store
from ..categories import CATEGORIES, Category
from ..gtins import printed
from ..model import TAGS, Product
from ..reading import HEADINGS, NO, YES

MOST_WORDS = 5
_KINDS = {
    "grade": "count",
    "guide_price": "yuan",
    "valid_from": "day",
    "valid_until": "day",
}


def product(session: Session, *, gtin: str, on: date) -> Product | None:
    """The product as it stood on a day: what a sale of that day is judged by. `gtin`: 14 digits.

    None when the library didn't have it.
    """
    return store.in_force(session, [gtin], on).get(gtin)


def products(session: Session, *, gtins: Collection[str], on: date) -> dict[str, Product]:
    """Several products as they stood on a day, by GTIN; what the library didn't have is missing."""
    return store.in_force(session, gtins, on) if gtins else {}


def versions(core: Core, *, gtin: str) -> list[Product]:
    """Every version of a product, newest first. Raises NoSuchThing."""
    with core.transaction() as session:
        found = store.versions(session, gtin)
    if not found:
        raise NoSuchThing
    return found


def search(
    core: Core, *, text: str, category: Category | None, cursor: str | None, limit: int
) -> Page[Product]:
    """Products of today by number, those of replays too; each word of `text` in the number, brand,
    model or name.

    Raises CursorInvalid.
    """
    words = text.split()[:MOST_WORDS]
    with core.transaction() as session:
        found = store.search(
            session,
            words=words,
            category=category,
            on=day_of(core.now(session)),
            after=after_gtin(cursor),
            most=limit + 1,
            synthetic=True,
        )
    return cut(found, limit, lambda one: (one.gtin,))


def after_gtin(cursor: str | None) -> str:
    """The GTIN of the last item shown; empty for the first page. Raises CursorInvalid."""
    if not cursor:
        return ""
    (gtin,) = decode_cursor(cursor, 1)
    if not isinstance(gtin, str) or "\x00" in gtin:
        raise CursorInvalid
    return gtin


def holds_any(session: Session) -> bool:
    """Whether the library has a product at all."""
    return store.holds_any(session)


def export(core: Core, *, format_: str, locale: str, out: BinaryIO) -> None:
    """Write the library as `xlsx` or `csv`: a table that can be handed in again.

    As it stands tomorrow, so that what was approved today is in it.
    """
    columns = [
        (_KINDS.get(name, "text"), gettext(words, locale))
        for name, words in HEADINGS.items()
        if name != "price"
    ]
    with core.transaction() as session:
        found = store.everything(session, day_of(core.now(session)) + timedelta(days=1))
        title = gettext(mark("商品库"), locale)
        rows = _rows(found, locale)
        sheet_files.WRITERS[format_](Sheet(title, columns, rows), out)


def _rows(found: Iterator[Product], locale: str) -> Iterator[tuple[Cell, ...]]:
    for one in found:
        tags = sorted(gettext(TAGS[tag], locale) for tag in one.tags)
        yield (
            printed(one.gtin),
            one.brand,
            one.model,
            gettext(CATEGORIES[one.category], locale),
            one.name,
            one.grade,
            gettext(YES if one.dual_imei else NO, locale),
            one.guide_price,
            "、".join(tags) or None,
            one.origin_area or None,
            one.valid_from,
            one.valid_until,
        )
