"""The leverage report in every format, opened again by readers that are not ours.

`python -m tests.services.reopened --data DIR` does it to a replay that was played there, and fails
where a file says anything else than the books, or the books than what was published.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import click
import openpyxl

from tests.printing.reading import pages
from voucher_service.cli.base import attached
from voucher_service.i18n import DEFAULT, formats
from voucher_service.infra.core import Core
from voucher_service.kernel.money import Money
from voucher_service.replay import driver
from voucher_service.reports import deliver, leverage, sentences
from voucher_service.reports.groups import GroupBy

HEADINGS = {"issued": "发放", "leveraged": "拉动消费", "redeemed": "核销"}


@dataclass(frozen=True)
class Opened:
    """What a reader found: sums in fen by name, and all of the text without blanks."""

    fen: Mapping[str, int]
    text: str


def opened(core: Core, programme: str) -> dict[str, Opened]:
    """Each format written and read again."""
    write = partial(
        deliver.leverage,
        core,
        programme=programme,
        group_by=GroupBy.AREA,
        basis="period",
        locale=DEFAULT,
    )
    return {name: read(write(format_=name)) for name, read in _READERS.items()}


def differing(core: Core, programme: str) -> Iterator[str]:
    """Where a file does not say what the books say."""
    report = leverage.report(core, programme=programme, group_by=GroupBy.AREA)
    said = _bare("".join(one.text for one in sentences.sentences(report, DEFAULT)))
    books = {name: getattr(report.totals.figures, name).fen for name in HEADINGS}
    for name, found in opened(core, programme).items():
        if dict(found.fen) != books:
            yield f"{name}: {found.fen} is not {books}"
        if said not in found.text:
            yield f"{name}: the sentences are not in it"


def _json(content: bytes) -> Opened:
    read: Any = json.loads(content)
    text = "".join(one["text"] for one in read["sentences"])
    return Opened({name: read["totals"][f"{name}_fen"] for name in HEADINGS}, _bare(text))


def _csv(content: bytes) -> Opened:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    total = dict(zip(rows[0], rows[-1], strict=True))
    fen = {name: int(total[f"{heading}（分）"]) for name, heading in HEADINGS.items()}
    return Opened(fen, _bare(total["年终表述"]))


def _xlsx(content: bytes) -> Opened:
    book = openpyxl.load_workbook(io.BytesIO(content))
    rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    headings = next(row for row in rows if "发放（元）" in row)
    total = dict(zip(headings, rows[-1], strict=True))
    fen = {
        name: int(Decimal(str(total[f"{heading}（元）"])) * 100)
        for name, heading in HEADINGS.items()
    }
    told = (row[0] for row in book["年终表述"].iter_rows(values_only=True))
    return Opened(fen, _bare("".join(str(one) for one in told if one)))


def _pdf(content: bytes) -> Opened:
    text = "".join(pages(content))
    lines = text.splitlines()
    first = lines.index("合计", lines.index("合计") + 1) + 1  # the totals in full
    full = lines[first:]
    fen = {name: _fen(full[full.index(words) + 1]) for name, words in HEADINGS.items()}
    return Opened(fen, _bare(text))


def _fen(written: str) -> int:
    return int(Decimal(written.lstrip("¥").replace(",", "")) * 100)


def _bare(text: str) -> str:
    return "".join(text.split())


_READERS: dict[str, Callable[[bytes], Opened]] = {
    "json": _json,
    "csv": _csv,
    "xlsx": _xlsx,
    "pdf": _pdf,
}


@click.command()
@click.option("--programme", default="yangjiang-2023", show_default=True)
@click.option("--scale", default="1", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), required=True)
def main(programme: str, scale: str, data: Path) -> None:
    """Open the report of a replay again, and compare it with what was published."""
    targets = driver.prepare(programme, scale=scale, seed=1).plan.targets
    with attached(data) as (core, _):
        wrong = list(differing(core, programme))
        report = leverage.report(core, programme=programme, group_by=GroupBy.AREA)
        said = sentences.sentences(report, DEFAULT)
    for one in said:
        click.echo(one.text)
    figures = report.totals.figures
    for name, target in (("issued", targets.issued), ("leveraged", targets.leveraged)):
        found = formats.wan(getattr(figures, name), DEFAULT)
        published = formats.wan(Money(target.target_fen), DEFAULT)
        if found != published:
            wrong.append(f"{name}: {found} is not {published}")
    click.echo("\n".join(wrong) or f"the same in {', '.join(_READERS)}")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
