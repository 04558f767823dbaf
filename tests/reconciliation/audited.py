"""Every figure of a report beside an auditor's own count of the rows, and of its files.

`python -m tests.reconciliation.audited --data DIR --programme SLUG` does it to books that were
played there: each grouping, on both bases, over all days, each month and the first and last days.
"""

from __future__ import annotations

import csv
import io
import json
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import openpyxl
from sqlalchemy import text

from tests.reconciliation import naive
from voucher_service.cli.base import attached
from voucher_service.infra.core import Core
from voucher_service.reports import layout, leverage
from voucher_service.reports.deliver import written
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.reports.leverage import LeverageReport, Row

Span = tuple[date | None, date | None]
ALL: Span = (None, None)
_SHARES = """
SELECT l.campaign_id, f.code, l.share_bps, l.shop_area IS NOT NULL
FROM budget_line l JOIN funder f ON f.id = l.funder_id JOIN campaign c ON c.id = l.campaign_id
JOIN programme p ON p.id = c.programme_id WHERE p.slug = :slug AND c.kind = 'voucher'
"""


def differing(
    core: Core,
    slug: str,
    spans: Iterable[Span] = (ALL,),
    groupings: Iterable[GroupBy] = tuple(GroupBy),
) -> Iterator[str]:
    """Where the report of a programme that was reconciled says something else than the rows."""
    with core.transaction() as session:
        book, sold = naive.count(session, slug), naive.trade_in(session, slug)
        shares = [tuple(row) for row in session.execute(text(_SHARES), {"slug": slug})]
    for first, last in spans:
        for basis in Basis:
            for group_by in groupings:
                about = f"{group_by} by {basis}, {first or ''}–{last or ''}"
                found = leverage.report(
                    core, programme=slug, group_by=group_by, basis=basis, from_=first, to=last
                )
                days = (str(basis), first, last)
                yield from (f"{about}: {one}" for one in _of_vouchers(found, book, days))
                if group_by is GroupBy.FUNDER:
                    yield from (f"{about}: {one}" for one in _shared(found, book, days, shares))
                elif group_by is not GroupBy.HOUR:
                    yield from (f"{about}: {one}" for one in _of_trade_in(found, sold, days))


def spans(core: Core, slug: str) -> list[Span]:
    """All days, each month, and the first and the last day on which anything happened."""
    with core.transaction() as session:
        days = naive.count(session, slug).days
    months = sorted({one.replace(day=1) for one in days})
    ends = [(one, one.replace(day=monthrange(one.year, one.month)[1])) for one in months]
    return [ALL, *ends, *((one, one) for one in {days[0], days[-1]})]


def _of_vouchers(found: LeverageReport, book: naive.Book, days: Any) -> Iterator[str]:
    total = _sums(book, "campaign", days)
    yield from _figures(found.totals, total, issued=True, redeemed=True)
    if found.group_by is not GroupBy.FUNDER:
        groups = book.groups(str(found.group_by), *days)
        rows = {row.key: row for row in found.rows if any(_told(row).values())}
        if rows.keys() != groups.keys():
            yield f"rows {sorted(map(str, rows.keys() ^ groups.keys()))} are on one side only"
        apart = found.group_by is GroupBy.HOUR or (
            found.group_by is GroupBy.DAY and found.basis is Basis.PERIOD
        )
        unissued = found.group_by in (GroupBy.TRADE, GroupBy.MERCHANT_SIZE)
        for key in rows.keys() & groups.keys():
            kept = {"issued": not (apart or unissued), "redeemed": not apart}
            yield from _figures(rows[key], groups[key], **kept)
    sizes, areas = (book.groups(one, *days) for one in ("merchant_size", "area"))
    county = sum(sums["redeemed"] for key, sums in areas.items() if key and key[4:6] > "20")
    small = sizes.get("small", Counter())["redeemed"]
    for name, part in (("small", small), ("county", county)):
        if getattr(found.reach, name) != naive.ratio(part, total["redeemed"]):
            yield f"{name} share {getattr(found.reach, name)}"


def _sums(book: naive.Book, group_by: str, days: Any) -> naive.Sums:
    sums: naive.Sums = Counter()
    for one in book.groups(group_by, *days).values():
        for name, value in one.items():
            sums[name] += value
    return sums


def _figures(row: Row, sums: naive.Sums, *, issued: bool, redeemed: bool) -> Iterator[str]:
    told = _told(row)
    yield from (
        f"{row.key} {name} is {told[name]}, the rows say {sums[name]}"
        for name in naive.FIGURES
        if told[name] != sums[name]
    )
    net = sums["leveraged"] - sums["redeemed"]
    by_issued = sums["issued"] if issued else 0
    by_redeemed, by_face = (sums[one] if redeemed else 0 for one in ("redeemed", "face_redeemed"))
    ratios = {
        "on_issued": (sums["leveraged"], by_issued),
        "on_redeemed": (sums["leveraged"], by_redeemed),
        "floor_on_issued": (sums["threshold"], by_issued),
        "floor_on_redeemed": (sums["threshold"], by_face),
        "net_on_issued": (net, by_issued),
        "net_on_redeemed": (net, by_redeemed),
        "redemption_rate": (sums["redeemed"], by_issued),
        "evidenced": (sums["evidenced"], sums["leveraged"]),
    }
    for name, parts in ratios.items():
        if getattr(row.ratios, name) != naive.ratio(*parts):
            yield f"{row.key} {name} is {getattr(row.ratios, name)}, not {naive.ratio(*parts)}"


def _shared(found: LeverageReport, book: naive.Book, days: Any, shares: Any) -> Iterator[str]:
    """Each funder's share, to a fen a campaign; what has shares by the shop's area is left out."""
    if any(by_shop for *_, by_shop in shares):
        return
    campaigns = book.groups("campaign", *days)
    for name in (*naive.FEN, *naive.FLOORS):
        exact: dict[str, Fraction] = {}
        for campaign, code, bps, _ in shares:
            of = campaigns.get(str(campaign), Counter())[name]
            exact[code] = exact.get(code, Fraction()) + Fraction(of * bps, 10_000)
        for row in found.rows:
            told = _told(row)[name]
            if abs(told - exact.get(row.key or "", Fraction())) >= max(1, len(campaigns)):
                yield f"{row.key} {name} is {told}"


def _of_trade_in(found: LeverageReport, book: naive.Book, days: Any) -> Iterator[str]:
    sides = [(found.trade_in.rows, str(found.group_by))]
    sides += [(found.trade_in.categories, "category")]
    for rows, group_by in sides:
        groups = book.groups(group_by, *days)
        told = {row.key: {one: _plain(row.figures, one) for one in naive.SUBSIDIES} for row in rows}
        for key in told.keys() | groups.keys():
            mine = {one: groups.get(key, Counter())[one] for one in naive.SUBSIDIES}
            if told.get(key, dict.fromkeys(naive.SUBSIDIES, 0)) != mine:
                yield f"trade-in {group_by} {key} is {told.get(key)}, the rows say {mine}"


def _told(row: Row) -> dict[str, int]:
    return {name: _plain(row.figures, name) for name in naive.FIGURES}


def _plain(figures: Any, name: str) -> int:
    value = getattr(figures, name)
    return int(value.fen if hasattr(value, "fen") else value or 0)


def in_files(core: Core, slug: str, groupings: Iterable[GroupBy] = tuple(GroupBy)) -> Iterator[str]:
    """Where JSON, CSV or Excel say something else of a group than the rows."""
    with core.transaction() as session:
        book = naive.count(session, slug)
    for group_by in groupings:
        if group_by is GroupBy.FUNDER:
            continue
        report = leverage.report(core, programme=slug, group_by=group_by)
        wanted = [
            [book.groups(str(group_by), "period").get(row.key, Counter())[one] for one in naive.FEN]
            for row in report.rows
        ]
        wanted.append([_sums(book, "campaign", ("period",))[one] for one in naive.FEN])
        for form in ("json", "csv", "xlsx"):
            read = _READERS[form](written(report, form, "zh-CN"))
            if _moved(read) != _moved(wanted):
                yield f"{form} by {group_by}: {read} is not {wanted}"


def _moved(rows: list[list[int]]) -> list[list[int]]:
    """Without rows of nothing: a file has trade-in in the same lines."""
    return sorted(row for row in rows if any(row))


def _json(content: bytes) -> list[list[int]]:
    told = json.loads(content)
    return [[row[f"{one}_fen"] for one in naive.FEN] for row in (*told["rows"], told["totals"])]


def _headings(unit: str) -> list[str]:
    names = {one.name: one.heading for one in layout.AMOUNTS}
    return [f"{names[one]}（{unit}）" for one in naive.FEN]


def _csv(content: bytes) -> list[list[int]]:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    return [[int(row[one]) for one in _headings("分")] for row in rows]


def _xlsx(content: bytes) -> list[list[int]]:
    head, *rows = openpyxl.load_workbook(io.BytesIO(content))["分组"].iter_rows(values_only=True)
    places = [head.index(one) for one in _headings("元")]
    return [[round(Decimal(str(row[place])) * 100) for place in places] for row in rows]


_READERS = {"json": _json, "csv": _csv, "xlsx": _xlsx}


@click.command()
@click.option("--programme", required=True)
@click.option("--data", type=click.Path(path_type=Path), required=True)
def main(programme: str, data: Path) -> None:
    """Audit the report of a programme; exit 1 where it says something else than the rows."""
    with attached(data) as (core, _):
        chosen = spans(core, programme)
        wrong = [*differing(core, programme, chosen), *in_files(core, programme)]
    click.echo(f"{len(chosen)} spans of days, {len(GroupBy)} groupings, {len(Basis)} bases")
    click.echo("\n".join(wrong) or "every figure is what the rows say")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
