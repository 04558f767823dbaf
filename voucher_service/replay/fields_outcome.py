"""What a replay prints of trade-in: each field's figures with their source, and who paid."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from rich.table import Table

from voucher_service.kernel.money import Money
from voucher_service.reports.recount import RawTradeIn
from voucher_service.reports.trade_in import Subsidies, TradeIn

from . import cases, fields_stage
from .fields import Field, Total
from .model import Origin
from .plan import Plan
from .subsidies import FieldTargets

NOT_PUBLISHED = "not published"


def figures(plan: Plan, found: TradeIn) -> Table:
    """Units and sums of each field: published, target, reached, the difference and the origin."""
    table = Table(title="Trade-in (units, yuan)", title_justify="left", pad_edge=False)
    for heading in ("figure", "published", "target", "reached", "difference", "origin"):
        table.add_column(heading, justify="left" if heading in ("figure", "origin") else "right")
    for targets in plan.targets.fields:
        reached = _reached(found, targets.field)
        for name, total, target, got in _lines(plan, targets, reached):
            field = targets.field
            published = _published(field, total)
            origin = _origin(field, total)
            cells = [_shown(one, total) for one in (published, target, got, got - target)]
            if published is None:
                cells[0] = NOT_PUBLISHED
            table.add_row(f"{field.slug} {name}", *cells, str(origin))
    return table


def payers(plan: Plan, found: TradeIn) -> Table:
    """Each field by who paid: what was pledged beside what the books say was delivered."""
    table = Table(title="Fields by payer (yuan)", title_justify="left", pad_edge=False)
    table.add_column("field")
    for heading in ("units", "applications", "turnover", "invoices"):
        table.add_column(heading, justify="right")
    for payer in ("government", "merchants", "banks"):
        table.add_column(f"{payer}\npledged", justify="right")
        table.add_column(f"{payer}\ndelivered", justify="right")
    for targets in (one for one in plan.targets.fields if one.units):
        got = _reached(found, targets.field)
        budget = Money.total(one.amount for one in fields_stage.wanted(plan, targets).lines)
        merchants, banks = _pledged(plan, targets)
        sold = targets.field.at_the_till
        table.add_row(
            f"{targets.field.name.zh} {targets.field.slug}",
            f"{got.units or 0:,}",
            f"{got.applications or 0:,}",
            _yuan(got.turnover),
            _yuan(got.invoiced),
            *(_yuan(one) for one in (budget, got.subsidy)),
            *(_yuan(merchants), _yuan(got.merchant) if sold else "–"),
            *(_yuan(banks), _yuan(got.bank) if sold else "–"),
        )
    return table


def raw(counted: RawTradeIn) -> Table:
    """What plain SQL counts."""
    table = Table(pad_edge=False)
    for heading in ("units", "applications", "subsidy", "turnover"):
        table.add_column(heading, justify="right")
    counts = (f"{counted.units:,}", f"{counted.applications:,}")
    table.add_row(*counts, _yuan(counted.subsidy), _yuan(counted.turnover))
    return table


def _lines(
    plan: Plan, targets: FieldTargets, got: Subsidies
) -> Iterator[tuple[str, Total, int, int]]:
    planned = plan.cases(targets)
    sold = targets.field.at_the_till
    units, turnover = (got.units, got.turnover) if sold else (got.applications, got.invoiced)
    yield "units" if sold else "applications", Total.UNITS, targets.units, units or 0
    subsidy_fen = sum(one.subsidy_fen for one in planned)
    turnover_fen = sum(one.price_fen for one in planned)
    yield "subsidy", Total.SUBSIDY, subsidy_fen, got.subsidy.fen
    yield "turnover" if sold else "invoices", Total.TURNOVER, turnover_fen, turnover.fen


def _reached(found: TradeIn, field: Field) -> Subsidies:
    """What the books say of a field: it is one campaign, by its name."""
    mine = (one.figures for one in found.rows if field.name.zh in one.labels.values())
    return next(mine, Subsidies())


def _pledged(plan: Plan, targets: FieldTargets) -> tuple[Money, Money]:
    promised = [cases.pledged(one, targets.field) for one in plan.cases(targets)]
    return Money.total(one for one, _ in promised), Money.total(one for _, one in promised)


def _published(field: Field, total: Total) -> int | None:
    if total not in field.published:
        return None
    of = {
        Total.UNITS: field.units,
        Total.SUBSIDY: field.subsidy_fen,
        Total.TURNOVER: field.turnover_fen,
    }
    return of[total]


def _origin(field: Field, total: Total) -> Origin:
    if total in field.published:
        return Origin.PUBLISHED
    by_rule = total is Total.SUBSIDY and field.policy.published
    return Origin.COMPUTED if by_rule else Origin.ASSUMED


def _shown(value: int | None, total: Total) -> str:
    if value is None:
        return ""
    return f"{value:,}" if total is Total.UNITS else _yuan(Money(value))


def _yuan(amount: Money) -> str:
    return f"{Decimal(amount.fen) / 100:,.2f}"
