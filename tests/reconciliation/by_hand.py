"""The figures of vouchers once more, by hand: plain rows, Python loops, none of the service's SQL.

Written from the definitions alone. What it finds is what `rollup` must say, cell by cell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from voucher_service.infra.core import Core

SHANGHAI = ZoneInfo("Asia/Shanghai")
Place = tuple[str, str, str | None, date]
"""Basis, dimension, key and day."""
FIGURES = (
    "released_fen",
    "issued_fen",
    "redeemed_fen",
    "leveraged_fen",
    "refunded_fen",
    "lapsed_fen",
    "threshold_fen",
    "face_redeemed_fen",
    "evidenced_fen",
    "vouchers_issued",
    "vouchers_redeemed",
    "vouchers_lapsed",
)
_MINE = """ JOIN campaign c ON c.id = o.campaign_id JOIN programme p ON p.id = c.programme_id
    WHERE p.slug = :slug AND c.kind = 'voucher' AND c.status IN ('published', 'paused', 'closed')"""
_OFFERS = f"SELECT o.*, c.area FROM offer o {_MINE}"
_RELEASES = f"SELECT r.* FROM release r JOIN offer o ON o.id = r.offer_id {_MINE}"
_VOUCHERS = f"SELECT v.* FROM voucher v JOIN offer o ON o.id = v.offer_id {_MINE}"
_ORDERS = f"""SELECT r.*, s.area, s.trade, m.size_class FROM redemption r
    JOIN shop s ON s.id = r.shop_id JOIN merchant m ON m.id = s.merchant_id
    JOIN offer o ON o.id = r.offer_id {_MINE} AND r.status = 'committed'"""
_REFUNDS = f"""SELECT f.* FROM redemption_refund f JOIN redemption r ON r.id = f.redemption_id
    JOIN offer o ON o.id = r.offer_id {_MINE} AND r.status = 'committed'"""
_READ = f"SELECT basis, dimension, key, day, {', '.join(FIGURES)} FROM rollup"


@dataclass
class Book:
    """The raw rows of a programme, and what they add up to."""

    offers: dict[Any, Any]
    vouchers: dict[Any, Any]
    orders: dict[Any, Any]
    found: dict[Place, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, row: Any, at: datetime | date, claimed: date, **figures: int) -> None:
        """Add figures of a row to its cells: on its own day and on that of the claim."""
        hour = f"{at.astimezone(SHANGHAI).hour:02}" if isinstance(at, datetime) else None
        day = local(at) if isinstance(at, datetime) else at
        keys = {
            "offer": str(row.get("offer_id")),
            "area": row.get("area") or self.offers[row["offer_id"]]["area"],
            "trade": row.get("trade"),
            "merchant_size": row.get("size_class"),
            "hour": hour,
        }
        for dimension, key in keys.items():
            self.found["period", dimension, key, day].update(figures)
            self.found["cohort", dimension, key, claimed].update(figures)


def local(at: datetime) -> date:
    """The day in Shanghai."""
    return at.astimezone(SHANGHAI).date()


def counted(core: Core, slug: str) -> dict[Place, dict[str, int]]:
    """What the raw rows of a programme say; cells of nothing are left out."""
    with core.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})

        def rows(statement: str) -> list[Mapping[str, Any]]:
            return [
                dict(one) for one in session.execute(text(statement), {"slug": slug}).mappings()
            ]

        def by_id(statement: str) -> dict[Any, Any]:
            return {one["id"]: one for one in rows(statement)}

        book = Book(by_id(_OFFERS), by_id(_VOUCHERS), by_id(_ORDERS))
        for one in rows(_RELEASES):
            _release(book, one)
        for one in book.vouchers.values():
            _voucher(book, one)
        evidence, used = set(_evidence(book)), set(_first_uses(book))
        for one in book.orders.values():
            _order(book, one, evidenced=one["id"] in evidence, used=one["id"] in used)
        for one in rows(_REFUNDS):
            _refund(book, one, evidenced=one["redemption_id"] in evidence)
    return _filled(book.found)


def told(core: Core, slug: str) -> dict[Place, dict[str, int]]:
    """What the rollups say; cells of nothing are left out."""
    of = " WHERE programme_id = (SELECT id FROM programme WHERE slug = :slug)"
    found: dict[Place, Counter[str]] = {}
    with core.transaction() as session:
        for row in session.execute(text(_READ + of), {"slug": slug}):
            place = tuple(row[:4])
            assert place not in found, "a cell stands there twice"
            found[place] = Counter(dict(zip(FIGURES, row[4:], strict=True)))
    return _filled(found)


def _filled(found: Mapping[Place, Counter[str]]) -> dict[Place, dict[str, int]]:
    kept = {at: {name: n for name, n in one.items() if n} for at, one in found.items()}
    return {at: one for at, one in kept.items() if one}


def _release(book: Book, one: Mapping[str, Any]) -> None:
    offer = book.offers[one["offer_id"]]
    value = offer["face_value_fen"] * offer["pieces"]
    book.add(one, one["opens_at"], local(one["opens_at"]), released_fen=one["quota"] * value)


def _voucher(book: Book, one: Mapping[str, Any]) -> None:
    if not one["holds_slot"]:
        return
    claimed = local(one["occurred_at"])
    book.add(one, one["occurred_at"], claimed, issued_fen=one["face_value_fen"], vouchers_issued=1)
    left = one["face_value_fen"] - one["spent_fen"]
    if one["status"] == "expired" and left:
        last = local(one["valid_until"] - timedelta(seconds=1))
        book.add(one, last, claimed, lapsed_fen=left, vouchers_lapsed=1)


def _order(book: Book, one: Mapping[str, Any], *, evidenced: bool, used: bool) -> None:
    offer, discount = book.offers[one["offer_id"]], one["discount_fen"]
    least = discount
    if offer["rate_bps"] is not None:
        least = -(-discount * 10_000 // offer["rate_bps"])
    stands = one["refunded_discount_fen"] < discount
    book.add(
        one,
        one["occurred_at"],
        local(book.vouchers[one["voucher_id"]]["occurred_at"]),
        redeemed_fen=discount,
        leveraged_fen=one["order_amount_fen"],
        threshold_fen=max(offer["threshold_fen"], least) if stands else 0,
        face_redeemed_fen=discount if stands else 0,
        evidenced_fen=one["order_amount_fen"] if evidenced else 0,
        vouchers_redeemed=int(used),
    )


def _refund(book: Book, one: Mapping[str, Any], *, evidenced: bool) -> None:
    order = book.orders[one["redemption_id"]]
    book.add(
        order,
        one["occurred_at"],
        local(book.vouchers[order["voucher_id"]]["occurred_at"]),
        redeemed_fen=-one["subsidy_part_fen"],
        leveraged_fen=-one["amount_fen"],
        refunded_fen=one["amount_fen"],
        evidenced_fen=-one["amount_fen"] if evidenced else 0,
    )


def _evidence(book: Book) -> Iterator[Any]:
    """The first order of a merchant that names a payment."""
    seen = set[tuple[Any, str]]()
    for one in sorted(book.orders.values(), key=lambda row: (row["occurred_at"], row["id"])):
        named = (one["merchant_id"], one["payment_reference"])
        if one["payment_reference"] is not None and named not in seen:
            seen.add(named)
            yield one["id"]


def _first_uses(book: Book) -> Iterator[Any]:
    """The first order of a voucher, of those that did not go back whole."""
    seen = set[Any]()
    for one in sorted(book.orders.values(), key=lambda row: row["part"]):
        whole = one["refunded_discount_fen"] >= one["discount_fen"]
        if not whole and one["voucher_id"] not in seen:
            seen.add(one["voucher_id"])
            yield one["id"]
