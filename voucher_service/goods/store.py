"""Reads and writes of the library and its changes; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from voucher_service.infra.copying import copy
from voucher_service.kernel.errors import NoSuchThing

from .categories import Category
from .gtins import INVENTED
from .model import Difference, LibraryChange, LibraryChangeId, Listed, Product, Tag
from .tables import LibraryChangeLineRow, LibraryChangeRow, ProductRow

_PIECE = 5_000
_DESCRIBED = (
    "brand, model, name, category, grade, dual_imei, guide_price_fen, tags, origin_area,"
    " valid_until"
)
_L, _P = (", ".join(f"{one}.{each}" for each in _DESCRIBED.split(", ")) for one in "lp")
# Each line of a change with the version that it would follow; none where the product is new.
_AGAINST = """
library_change_line l LEFT JOIN LATERAL (
    SELECT * FROM product p
    WHERE p.gtin = l.gtin AND p.valid_from <= GREATEST(l.valid_from, :tomorrow)
    ORDER BY p.valid_from DESC LIMIT 1
) p ON true
WHERE l.change_id = :change
"""
_SAME = f"ROW({_P}) IS NOT DISTINCT FROM ROW({_L})"
_COUNT = text(f"""
SELECT count(*) FILTER (WHERE p.gtin IS NULL),
       count(*) FILTER (WHERE p.gtin IS NOT NULL AND NOT {_SAME}),
       count(*) FILTER (WHERE p.gtin IS NOT NULL AND {_SAME})
FROM {_AGAINST}
""")  # noqa: S608 - the tables and columns above
_APPLY = text(f"""
INSERT INTO product (gtin, valid_from, change_id, {_DESCRIBED})
SELECT l.gtin,
       CASE WHEN p.gtin IS NULL THEN COALESCE(l.valid_from, :today)
            ELSE GREATEST(l.valid_from, :tomorrow) END,
       l.change_id, {_L}
FROM {_AGAINST} AND (p.gtin IS NULL OR NOT {_SAME})
ON CONFLICT (gtin, valid_from) DO UPDATE SET change_id = excluded.change_id,
    ({_DESCRIBED}) = ({", ".join(f"excluded.{one}" for one in _DESCRIBED.split(", "))})
""")  # noqa: S608 - the tables and columns above


def add_change(session: Session, row: LibraryChangeRow) -> None:
    """Write a change, before its lines and with nothing counted."""
    session.add(row)
    session.flush()


def add_lines(session: Session, change: LibraryChangeId, lines: Iterable[Listed]) -> None:
    """Write the lines of a change as they are read, in pieces: a statement's time is limited."""
    rows = (_line(change, one) for one in lines)
    while piece := list(islice(rows, _PIECE)):
        copy(session, LibraryChangeLineRow, piece)


def count(session: Session, change: LibraryChangeId, tomorrow: date) -> tuple[int, int, int]:
    """How many lines are new, how many change something, and how many nothing."""
    found = session.execute(_COUNT, {"change": change, "tomorrow": tomorrow}).one()
    return found[0], found[1], found[2]


def apply(session: Session, change: LibraryChangeId, today: date, tomorrow: date) -> None:
    """Put the lines of a change that change something into the library.

    A new product counts from its own day or from today; a known one from tomorrow at the earliest.
    """
    session.execute(_APPLY, {"change": change, "today": today, "tomorrow": tomorrow})


def changes(
    session: Session, *where: ColumnElement[bool], limit: int | None = None, lock: bool = False
) -> list[LibraryChange]:
    """Changes that match, newest first."""
    statement = (
        select(LibraryChangeRow)
        .where(*where)
        .order_by(LibraryChangeRow.created_at.desc(), LibraryChangeRow.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(statement.with_for_update() if lock else statement)
    return [
        LibraryChange(
            LibraryChangeId(row.id),
            row.file_name,
            row.sha256,
            row.fresh,
            row.changed,
            row.same,
            row.status,
            row.created_by,
            row.created_at,
        )
        for row in rows
    ]


def change(session: Session, id: LibraryChangeId, *, lock: bool = False) -> LibraryChange:
    """One change. Raises NoSuchThing."""
    found = changes(session, LibraryChangeRow.id == id, lock=lock)
    if not found:
        raise NoSuchThing
    return found[0]


def before_change(moment: tuple[datetime, UUID]) -> ColumnElement[bool]:
    """Changes that stand after this one in the list."""
    return tuple_(LibraryChangeRow.created_at, LibraryChangeRow.id) < moment


def differences(
    session: Session, change: LibraryChangeId, *, tomorrow: date, after: int, most: int
) -> list[Difference]:
    """Lines of a change that change something, with what stands now, after a line."""
    line, held = LibraryChangeLineRow, aliased(ProductRow)
    newest = (
        select(func.max(ProductRow.valid_from))
        .where(
            ProductRow.gtin == line.gtin,
            ProductRow.valid_from <= func.greatest(line.valid_from, tomorrow),
        )
        .scalar_subquery()
    )
    different = or_(
        held.gtin.is_(None),
        *(
            getattr(line, name).is_distinct_from(getattr(held, name))
            for name in _DESCRIBED.split(", ")
        ),
    )
    rows = session.execute(
        select(line, held)
        .outerjoin(held, and_(held.gtin == line.gtin, held.valid_from == newest))
        .where(line.change_id == change, line.number > after, different)
        .order_by(line.number)
        .limit(most)
    )
    return [
        Difference(Listed(new.number, _product(new)), _product(old) if old else None)
        for new, old in rows
    ]


def versions(session: Session, gtin: str) -> list[Product]:
    """Every version of a product, newest first."""
    rows = session.scalars(
        select(ProductRow).where(ProductRow.gtin == gtin).order_by(ProductRow.valid_from.desc())
    )
    return [_product(row) for row in rows]


def in_force(session: Session, gtins: Collection[str], on: date) -> dict[str, Product]:
    """The versions that count on a day, by GTIN."""
    rows = session.scalars(
        select(ProductRow)
        .ext(distinct_on(ProductRow.gtin))
        .where(ProductRow.gtin.in_(gtins), ProductRow.valid_from <= on)
        .order_by(ProductRow.gtin, ProductRow.valid_from.desc())
    )
    found = (_product(row) for row in rows)
    return {one.gtin: one for one in found if one.valid_until is None or on <= one.valid_until}


def search(
    session: Session,
    *,
    words: Sequence[str],
    category: Category | None,
    on: date,
    after: str,
    most: int,
    synthetic: bool,
) -> list[Product]:
    """Products that count on a day, by GTIN, after one; with each word in number or names; those of
    replays where `synthetic`.
    """
    statement = _on(on).where(ProductRow.gtin > after)
    if not synthetic:
        statement = statement.where(~ProductRow.gtin.startswith(f"0{INVENTED}"))
    for word in words:
        statement = statement.where(_names(word))
    if category is not None:
        statement = statement.where(ProductRow.category == category)
    return [_product(row) for row in session.scalars(statement.limit(most))]


def everything(session: Session, on: date) -> Iterator[Product]:
    """Every product that counts on a day, row by row."""
    rows = session.scalars(_on(on), execution_options={"yield_per": 1_000})
    return (_product(row) for row in rows)


def holds_any(session: Session) -> bool:
    """Whether the library has a product at all."""
    return session.execute(select(ProductRow.gtin).limit(1)).first() is not None


def _on(day: date) -> Select[ProductRow]:
    follows = aliased(ProductRow)
    followed = (
        select(follows.gtin)
        .where(
            follows.gtin == ProductRow.gtin,
            follows.valid_from > ProductRow.valid_from,
            follows.valid_from <= day,
        )
        .exists()
    )
    return (
        select(ProductRow)
        .where(
            ProductRow.valid_from <= day,
            or_(ProductRow.valid_until.is_(None), ProductRow.valid_until >= day),
            ~followed,
        )
        .order_by(ProductRow.gtin)
    )


def _names(word: str) -> ColumnElement[bool]:
    names = (ProductRow.brand, ProductRow.model, ProductRow.name)
    found = [one.icontains(word, autoescape=True) for one in names]
    if word.isdigit():
        found.append(ProductRow.gtin.contains(word))
    return or_(*found)


def _line(change: LibraryChangeId, listed: Listed) -> dict[str, Any]:
    one = listed.product
    return {
        "change_id": change,
        "gtin": one.gtin,
        "number": listed.line,
        "valid_from": one.valid_from,
        "brand": one.brand,
        "model": one.model,
        "name": one.name,
        "category": str(one.category),
        "grade": one.grade,
        "dual_imei": one.dual_imei,
        "guide_price_fen": one.guide_price.fen if one.guide_price else None,
        "tags": sorted(map(str, one.tags)),
        "origin_area": one.origin_area,
        "valid_until": one.valid_until,
    }


def _product(row: ProductRow | LibraryChangeLineRow) -> Product:
    return Product(
        gtin=row.gtin,
        brand=row.brand,
        model=row.model,
        category=row.category,
        name=row.name,
        grade=row.grade,
        dual_imei=row.dual_imei,
        guide_price=row.guide_price_fen,
        tags=frozenset(map(Tag, row.tags)),
        origin_area=row.origin_area,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )
