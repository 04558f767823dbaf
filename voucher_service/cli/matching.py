"""Files of payment channels and tills: import one beside our books, write a sample of one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from .base import DATA, DAY, LANG, attached, main, plainly


@main.command("reconcile-file")
@click.argument("format_", metavar="FORMAT")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--merchant", type=click.UUID, help="The channel's file is of this merchant alone.")
@click.option("--shop", type=click.UUID, help="The shop of a till's file.")
@click.option("--with-others", is_flag=True, help="It also has orders without a voucher.")
@click.option("--day", type=DAY, help="Its day, or its first: without a line, or of several days.")
@click.option("--last-day", type=DAY, help="Its last day, where there are several.")
@LANG
@DATA
@plainly
def reconcile_file(
    *,
    format_: str,
    file: Path,
    merchant: UUID | None,
    shop: UUID | None,
    with_others: bool,
    day: datetime | None,
    last_day: datetime | None,
    locale: str,
    data: Path,
) -> None:
    """Compare FILE, written in FORMAT (wechat, alipay, unionpay, till …), with our books.

    Exit 1 names the first wrong lines of a file that was not taken.
    """
    from voucher_service.i18n import gettext
    from voucher_service.kernel.actor import SYSTEM
    from voucher_service.kernel.ids import MerchantId, ShopId
    from voucher_service.reconciliation.differences import service
    from voucher_service.reconciliation.differences.layout import Days
    from voucher_service.reconciliation.differences.model import FINDINGS

    with attached(data) as (core, _), file.open("rb") as source:
        made = service.take(
            core,
            actor=SYSTEM,
            format=format_,
            file_name=file.name,
            source=source,
            merchant=MerchantId(merchant) if merchant else None,
            shop=ShopId(shop) if shop else None,
            with_others=with_others,
            days=Days.said(*(one.date() if one else None for one in (day, last_day))),
        )
    click.echo(f"{made.file_name}: {made.first} to {made.last}, {made.lines:,} lines")
    for finding, count in made.counts.items():
        if count:
            click.echo(f"  {gettext(FINDINGS[finding], locale)}: {count:,}")
    click.echo(f"  differences under way: {made.open:,}")


@main.command("channel-sample")
@click.argument("format_", metavar="FORMAT")
@click.option("--day", type=DAY, required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--shop", type=click.UUID, help="The shop, for a till's file.")
@DATA
@plainly
def channel_sample(format_: str, day: datetime, out: Path, shop: UUID | None, data: Path) -> None:
    """Write the file that a channel would write of DAY if it knew what our books know."""
    from voucher_service.kernel.ids import ShopId
    from voucher_service.reconciliation.differences import service

    with attached(data) as (core, _), out.open("wb") as file:
        lines = service.sample(
            core,
            format=format_,
            day=day.date(),
            out=file,
            shop=ShopId(shop) if shop else None,
        )
    click.echo(f"{out}: {lines:,} lines")
