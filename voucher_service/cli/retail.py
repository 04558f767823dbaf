"""Retail sales (社零) that statisticians published: what was entered, and enter another."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .base import DATA, DAY, attached, main, member, plainly

if TYPE_CHECKING:
    from voucher_service.reports.retail import Retail

_PROGRAMME = click.option("--programme", required=True)
_SHOWN = 20


def _sales(value: str) -> int:
    from voucher_service.reports.retail import FEN_OF_YI

    return _whole(value, FEN_OF_YI)


def _growth(value: str) -> int:
    return _whole(value, 100)


def _whole(value: str, unit: int) -> int:
    """A decimal number as so many of its smallest units."""
    try:
        exact = Decimal(value) * unit
        whole = int(exact)
    except (InvalidOperation, ValueError, OverflowError):
        raise click.BadParameter(f"{value} is not a number") from None
    if whole != exact:
        raise click.BadParameter(f"{value} has too many decimals")
    return whole


@main.group("retail-sales")
def retail_sales() -> None:
    """Retail sales of the city, which a report compares with what vouchers moved."""


@retail_sales.command()
@_PROGRAMME
@click.option("--from", "first", type=DAY, required=True, help="The first day that it covers.")
@click.option("--to", "last", type=DAY, required=True, help="The last day.")
@click.option("--sales", type=_sales, required=True, help="In 亿元, such as 373.59.")
@click.option("--growth", type=_growth, required=True, help="In percent, such as 1.1 or -0.5.")
@click.option("--source", required=True, help="Which paper or page says so.")
@click.option("--published", type=DAY, required=True, help="The day on which it did.")
@click.option("--as", "username", required=True, help="The city's finance officer who does it.")
@DATA
@plainly
def enter(
    *,
    programme: str,
    first: datetime,
    last: datetime,
    sales: int,
    growth: int,
    source: str,
    published: datetime,
    username: str,
    data: Path,
) -> None:
    """Enter a published figure; of the same days the last one entered stands."""
    from voucher_service.kernel.money import Money
    from voucher_service.reports import retail

    with attached(data) as (core, _):
        made = retail.enter(
            core,
            actor=member(core, username),
            programme=programme,
            first=first.date(),
            last=last.date(),
            sales=Money(sales),
            growth_bps=growth,
            source=source,
            published_on=published.date(),
        )
    click.echo(_line(made))


@retail_sales.command("list")
@_PROGRAMME
@DATA
@plainly
def list_(programme: str, data: Path) -> None:
    """Print what was entered, the newest first."""
    from voucher_service.reports import retail

    with attached(data) as (core, _):
        found = retail.entered(core, programme=programme, limit=_SHOWN)
    for one in found:
        click.echo(_line(one))
    if not found:
        click.echo("nothing was entered")


def _line(one: Retail) -> str:
    from voucher_service.i18n import formats

    growth = formats.percent(one.growth_bps, 10_000)
    said = f"{one.source}, {one.published_on}"
    return f"{one.first} to {one.last}: {formats.money(one.sales)}, {growth} ({said})"
