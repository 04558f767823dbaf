"""An auditor's own count: what a report should say, from the rows of releases, vouchers, orders and
refunds, as the definitions have it. Plain, slow, and without anything that the reports are made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

Sums = Counter[str]
FEN = ("released", "issued", "redeemed", "leveraged", "refunded", "lapsed")
FLOORS = ("threshold", "face_redeemed", "evidenced")
COUNTS = ("vouchers_issued", "vouchers_redeemed", "vouchers_lapsed")
FIGURES = (*FEN, *FLOORS, *COUNTS)
# What a group is, by its name in a report: no voucher is of a brand.
GROUPS = ("campaign", "offer", "area", "trade", "merchant_size", "day", "hour", "brand")
_CITY = ZoneInfo("Asia/Shanghai")
_OFFERS = """
SELECT o.id, o.campaign_id AS campaign, c.area, o.face_value_fen AS face, o.pieces,
    o.threshold_fen AS least, o.rate_bps AS rate
FROM offer o JOIN campaign c ON c.id = o.campaign_id JOIN programme p ON p.id = c.programme_id
WHERE p.slug = :slug AND c.kind = 'voucher' AND c.status IN ('published', 'paused', 'closed')
"""
_RELEASES = "SELECT offer_id AS offer, opens_at AS at, quota FROM release"
_VOUCHERS = """
SELECT id, offer_id AS offer, occurred_at AS at, valid_until, status, face_value_fen AS face,
    spent_fen AS spent, holds_slot
FROM voucher
"""
_ORDERS = """
SELECT r.id, r.offer_id AS offer, r.voucher_id AS voucher, v.occurred_at AS claimed_at,
    r.occurred_at AS at, r.part, r.order_amount_fen AS amount, r.discount_fen AS discount,
    r.refunded_discount_fen AS back, r.payment_reference AS payment, r.merchant_id AS merchant,
    s.area, s.trade, m.size_class AS size
FROM redemption r JOIN voucher v ON v.id = r.voucher_id JOIN shop s ON s.id = r.shop_id
JOIN merchant m ON m.id = s.merchant_id
WHERE r.status = 'committed'
"""
_REFUNDS = """
SELECT redemption_id AS of, occurred_at AS at, amount_fen AS amount, subsidy_part_fen AS subsidy
FROM redemption_refund
"""


@dataclass(frozen=True)
class Moved:
    """What one thing that happened adds to the figures, and where it belongs; `keys` by group.

    `day` is that on which it happened, `claimed` that of the voucher's claim.
    """

    day: date
    claimed: date
    keys: dict[str, str | None]
    sums: Sums


@dataclass
class Book:
    """All that moved in a programme."""

    moved: list[Moved] = field(default_factory=list)

    def groups(
        self, group_by: str, basis: str, first: date | None = None, last: date | None = None
    ) -> dict[str | None, Sums]:
        """The sums of each group over some days, both within; groups of nothing are left out."""
        found: dict[str | None, Sums] = {}
        for one in self.moved:
            day = one.claimed if basis == "cohort" else one.day
            if (first and day < first) or (last and day > last):
                continue
            key = day.isoformat() if group_by == "day" else one.keys.get(group_by)
            sums = found.setdefault(key, Counter())
            for name, value in one.sums.items():
                sums[name] += value
        return {key: sums for key, sums in found.items() if any(sums.values())}

    @property
    def days(self) -> list[date]:
        """Every day on which anything happened."""
        return sorted({one.day for one in self.moved} | {one.claimed for one in self.moved})


def count(session: Session, slug: str) -> Book:
    """Count a programme."""
    offers = {row["id"]: row for row in _rows(session, _OFFERS, slug=slug)}

    def of_mine(statement: str) -> list[dict[str, Any]]:
        return [row for row in _rows(session, statement) if row["offer"] in offers]

    orders = of_mine(_ORDERS)
    by_id = {row["id"]: row for row in orders}
    refunds = [row for row in _rows(session, _REFUNDS) if row["of"] in by_id]
    return Book(
        [
            *(_opened(offers[row["offer"]], row) for row in of_mine(_RELEASES)),
            *(
                moved
                for row in of_mine(_VOUCHERS)
                if row["holds_slot"]
                for moved in _claimed(offers[row["offer"]], row)
            ),
            *_spent(offers, orders),
            *_given_back(offers, by_id, refunds, _evident(orders)),
        ]
    )


def ratio(part: int, whole: int) -> Decimal | None:
    """Four decimals, a half away from nothing; None of nothing or less."""
    if whole <= 0:
        return None
    exact = abs(Fraction(part, whole)) * 10_000
    steps = int(exact) + (exact - int(exact) >= Fraction(1, 2))
    return Decimal(steps if part >= 0 else -steps) / 10_000


def _opened(offer: dict[str, Any], row: dict[str, Any]) -> Moved:
    day, hour = _when(row["at"])
    keys = _keys(offer, hour, area=offer["area"])
    return Moved(day, day, keys, Counter(released=row["quota"] * offer["face"] * offer["pieces"]))


def _claimed(offer: dict[str, Any], row: dict[str, Any]) -> Iterator[Moved]:
    day, hour = _when(row["at"])
    keys = _keys(offer, hour, area=offer["area"])
    yield Moved(day, day, keys, Counter(issued=row["face"], vouchers_issued=1))
    left = row["face"] - row["spent"]
    if row["status"] == "expired" and left > 0:
        last_day, _ = _when(row["valid_until"] - timedelta(microseconds=1))
        keys = _keys(offer, None, area=offer["area"])
        yield Moved(last_day, day, keys, Counter(lapsed=left, vouchers_lapsed=1))


def _spent(offers: dict[UUID, dict[str, Any]], orders: list[dict[str, Any]]) -> Iterator[Moved]:
    evident, first_part = _evident(orders), {}
    standing = [row for row in orders if row["back"] < row["discount"]]
    for row in sorted(standing, key=lambda row: -row["part"]):
        first_part[row["voucher"]] = row["id"]
    for row in orders:
        offer = offers[row["offer"]]
        sums = Counter(redeemed=row["discount"], leveraged=row["amount"])
        if row["id"] in evident:
            sums["evidenced"] = row["amount"]
        if row["back"] < row["discount"]:
            sums["face_redeemed"] = row["discount"]
            sums["threshold"] = _least(offer, row["discount"])
        sums["vouchers_redeemed"] = int(first_part.get(row["voucher"]) == row["id"])
        yield _at_shop(offer, row, row["at"], sums)


def _given_back(
    offers: dict[UUID, dict[str, Any]],
    orders: dict[UUID, dict[str, Any]],
    refunds: list[dict[str, Any]],
    evident: set[UUID],
) -> Iterator[Moved]:
    for row in refunds:
        order, gone = orders[row["of"]], row["amount"]
        sums = Counter(redeemed=-row["subsidy"], leveraged=-gone, refunded=gone)
        if row["of"] in evident:
            sums["evidenced"] = -gone
        yield _at_shop(offers[order["offer"]], order, row["at"], sums)


def _at_shop(offer: dict[str, Any], order: dict[str, Any], at: datetime, sums: Sums) -> Moved:
    day, hour = _when(at)
    place = {name: order[name] for name in ("area", "trade")}
    keys = _keys(offer, hour, merchant_size=order["size"], **place)
    return Moved(day, _when(order["claimed_at"])[0], keys, sums)


def _evident(orders: list[dict[str, Any]]) -> set[UUID]:
    """Orders whose payment no earlier order of the merchant in the programme named."""
    first: dict[tuple[UUID, str], UUID] = {}
    for row in sorted(orders, key=lambda row: (row["at"], row["id"])):
        if row["payment"] is not None:
            first.setdefault((row["merchant"], row["payment"]), row["id"])
    return set(first.values())


def _least(offer: dict[str, Any], discount: int) -> int:
    """The least order that brings a discount, found by trying."""
    low, high = offer["least"], max(offer["least"], 10_000 * discount)
    while low < high:
        middle = (low + high) // 2
        brings = middle if offer["rate"] is None else middle * offer["rate"] // 10_000
        low, high = (low, middle) if brings >= discount else (middle + 1, high)
    return int(low)


def _keys(offer: dict[str, Any], hour: int | None, **more: str) -> dict[str, str | None]:
    told = {"campaign": str(offer["campaign"]), "offer": str(offer["id"])}
    return told | {"hour": None if hour is None else f"{hour:02d}"} | more


def _when(at: datetime) -> tuple[date, int]:
    wall = at.astimezone(_CITY)
    return wall.date(), wall.hour


def _rows(session: Session, statement: str, **asked: str) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(text(statement), asked).mappings()]


_SALES = """
SELECT r.occurred_at AS at, q.occurred_at AS claimed_at, x.category, x.brand, s.area, s.trade,
    m.size_class AS size, r.id, r.discount_fen AS subsidy, r.order_amount_fen AS turnover,
    r.refunded_fen >= r.order_amount_fen AS gone, r.offer_id AS offer
FROM redemption r JOIN trade_in_sale x ON x.redemption_id = r.id
JOIN qualification q ON q.id = r.qualification_id JOIN shop s ON s.id = r.shop_id
JOIN merchant m ON m.id = s.merchant_id
WHERE r.status = 'committed'
"""
_GRANTS = """
SELECT a.decided_at AS at, a.filed_at AS claimed_at, a.decision #>> '{case,category}' AS category,
    a.area, a.subsidy_fen AS subsidy, CAST(a.decision #>> '{case,price_fen}' AS bigint) AS invoiced,
    p.offer_id AS offer
FROM application a JOIN application_place p ON p.id = a.id
WHERE a.status IN ('approved', 'payout_refused', 'card_given', 'paid')
"""
SUBSIDIES = ("units", "applications", "subsidy", "turnover", "refunded", "invoiced")


def trade_in(session: Session, slug: str) -> Book:
    """Count what a programme's trade-in moved; each thing has a category and a brand beside."""
    pools = _OFFERS.replace("c.kind = 'voucher'", "c.kind = 'trade_in'")
    offers = {row["id"]: row for row in _rows(session, pools, slug=slug)}
    sales = {row["id"]: row for row in _rows(session, _SALES) if row["offer"] in offers}
    book = Book()

    def add(row: dict[str, Any], at: datetime, sums: Sums) -> None:
        claimed, _ = _when(row["claimed_at"])
        more = {"area": row["area"], "category": row["category"], "brand": row.get("brand")}
        more |= {"trade": row.get("trade"), "merchant_size": row.get("size")}
        keys = _keys(offers[row["offer"]], None, **more)
        book.moved.append(Moved(_when(at)[0], claimed, keys, sums))

    for row in sales.values():
        sums = Counter(subsidy=row["subsidy"], turnover=row["turnover"], units=int(not row["gone"]))
        add(row, row["at"], sums)
    for back in _rows(session, _REFUNDS):
        if sold := sales.get(back["of"]):
            gone = back["amount"]
            sums = Counter(subsidy=-back["subsidy"], turnover=-gone, refunded=gone)
            add(sold, back["at"], sums)
    for row in _rows(session, _GRANTS):
        if row["offer"] in offers:
            told = Counter(subsidy=row["subsidy"], invoiced=row["invoiced"], applications=1)
            add(row, row["at"], told)
    return book
