"""What a replay prints: published, target, reached, the difference, and each figure's source."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from rich.console import Console
from rich.table import Table

from voucher_service.infra.core import Core
from voucher_service.kernel.money import Money
from voucher_service.reports import leverage, printed, recount
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.reports.leverage import LeverageReport
from voucher_service.reports.recount import RawTotals

from . import feasible, fields_outcome
from .model import Output, Vouchers
from .plan import Plan

OPENING = (
    "Calibrated synthetic replay: the two published totals are inputs. It shows that the books "
    "reproduce them through the real services; it measures no effect."
)
NOTHING_PUBLISHED = (
    "Synthetic replay of a plan whose source prints no figure: every figure is assumed. It shows "
    "that the books hold its fields and payers through the real services; it measures no effect."
)
_WIDTH = 150
_LOCALE = "en"


def text(core: Core, plan: Plan, scale: str) -> str:
    """The whole report of a replay that was played and reconciled."""
    slug = plan.programme.slug
    by_campaign = leverage.report(
        core, programme=slug, group_by=GroupBy.CAMPAIGN, basis=Basis.PERIOD
    )
    by_area = leverage.report(core, programme=slug, group_by=GroupBy.AREA, basis=Basis.PERIOD)
    with core.transaction() as session:
        raw, counted = recount.totals(session, slug), recount.trade_in(session, slug)
    console = Console(file=io.StringIO(), width=_WIDTH, highlight=False)
    vouchers = plan.programme.vouchers
    console.print(OPENING if vouchers else NOTHING_PUBLISHED, soft_wrap=True)
    console.print()
    for line in _head(plan, scale):
        console.print(line, markup=False, soft_wrap=True)
    if vouchers:
        console.print(_figures(plan, vouchers, by_campaign, raw))
    if plan.targets.fields:
        console.print(fields_outcome.figures(plan, by_campaign.trade_in))
    console.print("Assumed figures rest on: " + _assumptions(plan), markup=False, soft_wrap=True)
    console.print("\nRounding of the scaled targets (exact -> target, money in yuan):")
    for line in feasible.rounding_lines(plan.targets):
        console.print(f"  {line}", markup=False)
    console.print("\nThe same totals from plain SQL over the raw rows:\n")
    if vouchers:
        console.print(recount.SQL, markup=False, soft_wrap=True)
        console.print(_raw(raw))
    if plan.targets.fields:
        console.print(recount.TRADE_IN_SQL, markup=False, soft_wrap=True)
        console.print(fields_outcome.raw(counted))
    if vouchers and plan.targets.fields:
        console.print(fields_outcome.payers(plan, by_campaign.trade_in))
    for report in (by_campaign, by_area):
        console.print(printed.leverage(report, _LOCALE))
    if not vouchers:
        console.print(fields_outcome.payers(plan, by_campaign.trade_in))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def _head(plan: Plan, scale: str) -> Iterator[str]:
    programme = plan.programme
    yield f"programme  {programme.slug}: {programme.name.zh}"
    vouchers = programme.vouchers
    if vouchers:
        yield f"source     {vouchers.published.source}: {vouchers.published.sentence}"
    for sentence in dict.fromkeys(one.sentence for one in programme.trade_in if one.sentence):
        yield f"source     {sentence}"
    for field in programme.trade_in:
        policy = field.policy
        told = policy.assumed.en if policy.assumed else policy.source
        yield f"policy     {field.slug}: {policy.id}. {told}"
    yield f"seed       {plan.seed}"
    yield f"scale      {scale}"
    yield f"file       sha256 {programme.file_hash}"
    for name, reading in vouchers.reading.items() if vouchers else ():
        yield f"reading    {name}: {reading.zh} {reading.en}"
    yield ""


def _figures(plan: Plan, vouchers: Vouchers, report: LeverageReport, raw: RawTotals) -> Table:
    targets, totals, ratios = plan.targets, report.totals.figures, report.totals.ratios
    table = Table(title="Figures (yuan)", title_justify="left", pad_edge=False)
    for heading in ("figure", "published", "target", "reached", "difference", "origin"):
        table.add_column(heading, justify="left" if heading in ("figure", "origin") else "right")

    def money(output: Output, target_fen: int, reached: Money, published_fen: int | None) -> None:
        published = "" if published_fen is None else _yuan(Money(published_fen))
        difference = reached - Money(target_fen)
        origin = str(plan.programme.origin(output))
        cells = (published, _yuan(Money(target_fen)), _yuan(reached), _yuan(difference))
        table.add_row(str(output), *cells, origin)

    def ratio(output: Output, part_fen: int, whole_fen: int, reached: Decimal | None) -> None:
        target, published = Decimal(part_fen) / whole_fen, ""
        if output is Output.RATIO_ON_ISSUED:
            both = vouchers.published
            published = _two(Decimal(both.leveraged_fen) / both.issued_fen)
        difference = "" if reached is None else _two(reached - target)
        cells = (published, _two(target), _two(reached), difference)
        table.add_row(str(output), *cells, str(plan.programme.origin(output)))

    def count(output: Output, target: int, reached: int) -> None:
        origin = str(plan.programme.origin(output))
        table.add_row(
            str(output), "", f"{target:,}", f"{reached:,}", f"{reached - target:,}", origin
        )

    issued, leveraged = targets.issued, targets.leveraged
    money(Output.ISSUED, issued.target_fen, totals.issued, issued.published_fen)
    money(Output.LEVERAGED, leveraged.target_fen, totals.leveraged, leveraged.published_fen)
    money(Output.REDEEMED, targets.redeemed_fen, totals.redeemed, None)
    ratio(Output.RATIO_ON_ISSUED, leveraged.target_fen, issued.target_fen, ratios.on_issued)
    ratio(Output.RATIO_ON_REDEEMED, leveraged.target_fen, targets.redeemed_fen, ratios.on_redeemed)
    floor = targets.redeemed_thresholds_fen
    ratio(Output.FLOOR_ON_ISSUED, floor, issued.target_fen, ratios.floor_on_issued)
    ratio(Output.FLOOR_ON_REDEEMED, floor, targets.redeemed_fen, ratios.floor_on_redeemed)
    count(Output.VOUCHERS, targets.vouchers, raw.vouchers)
    count(Output.REDEMPTIONS, targets.redemptions, raw.redemptions)
    return table


def _assumptions(plan: Plan) -> str:
    return "; ".join(f"{one.name} ({one.why.en})" for one in plan.programme.assumptions)


def _raw(raw: RawTotals) -> Table:
    table = Table(pad_edge=False)
    sums = {
        "issued": raw.issued,
        "redeemed": raw.redeemed,
        "leveraged": raw.leveraged,
        "refunded": raw.refunded,
    }
    counts = {
        "vouchers": raw.vouchers,
        "residents": raw.residents,
        "redemptions": raw.redemptions,
        "shops": raw.shops,
    }
    for heading in (*sums, *counts):
        table.add_column(heading, justify="right")
    table.add_row(*(_yuan(one) for one in sums.values()), *(f"{one:,}" for one in counts.values()))
    return table


def _yuan(amount: Money) -> str:
    return f"{Decimal(amount.fen) / 100:,.2f}"


def _two(value: Decimal | None) -> str:
    """Two decimals; a rest that rounds to nothing has no sign."""
    return "–" if value is None else str(value.quantize(Decimal("0.01"), ROUND_HALF_UP) + 0)
