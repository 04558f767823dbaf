"""The leverage report in every format, opened again by readers that are not ours.

`python -m tests.services.reopened --data DIR` does it to a replay that was played there, and fails
where a file says anything else than the books, or the books than what was published.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import click
import openpyxl

from tests.printing.reading import pages
from tests.services import office
from voucher_service.cli.base import attached
from voucher_service.i18n import DEFAULT, formats
from voucher_service.infra.core import Core
from voucher_service.kernel.money import Money
from voucher_service.replay import driver
from voucher_service.reports import deliver, layout, leverage, sentences
from voucher_service.reports.groups import GroupBy

AMOUNTS = {one.name: one.heading for one in layout.AMOUNTS}


@dataclass(frozen=True)
class Opened:
    """What a reader found: sums in fen by name, all of the text without blanks, and what each
    instrument used in fen where the format has it to the fen.
    """

    fen: Mapping[str, int]
    text: str
    used: Sequence[int] | None = None


@dataclass(frozen=True)
class Reader:
    """Which format is read, by what; `program` has to be installed for it."""

    format_: str
    read: Callable[[bytes], Opened]
    program: str = ""


def opened(core: Core, programme: str, by: Mapping[str, Reader]) -> dict[str, Opened]:
    """Each format written, and read again by each of the readers."""
    write = partial(
        deliver.leverage,
        core,
        programme=programme,
        group_by=GroupBy.AREA,
        basis="period",
        locale=DEFAULT,
    )
    return {name: one.read(write(format_=one.format_)) for name, one in by.items()}


def differing(core: Core, programme: str, by: Mapping[str, Reader]) -> Iterator[str]:
    """Where a file does not say what the books say."""
    report = leverage.report(core, programme=programme, group_by=GroupBy.AREA)
    said = [_bare(one.text) for one in sentences.sentences(report, DEFAULT)]
    books = {name: getattr(report.totals.figures, name).fen for name in AMOUNTS}
    used = [one.used.fen for one in report.instruments]
    for name, found in opened(core, programme, by).items():
        if dict(found.fen) != books:
            yield f"{name}: {found.fen} is not {books}"
        if found.used is not None and list(found.used) != used:
            yield f"{name}: instruments used {found.used} is not {used}"
        yield from (f"{name}: does not say {one}" for one in said if one not in found.text)


def _json(content: bytes) -> Opened:
    read: Any = json.loads(content)
    text = "".join(one["text"] for one in read["sentences"])
    fen = {name: read["totals"][f"{name}_fen"] for name in AMOUNTS}
    return Opened(fen, _bare(text), [one["used_fen"] for one in read["instruments"]])


def _csv(content: bytes) -> Opened:
    rows = _lines(content)
    total = dict(zip(rows[0], rows[-1], strict=True))
    fen = {name: int(total[f"{heading}（分）"]) for name, heading in AMOUNTS.items()}
    return Opened(fen, _bare(total["年终表述"]))


def _zip(content: bytes) -> Opened:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        read = {name: _lines(archive.read(f"{name}.csv")) for name in _TABLES}
    return _tables(read)


def _xlsx(content: bytes) -> Opened:
    book = openpyxl.load_workbook(io.BytesIO(content))
    read = {
        name: [
            ["" if cell is None else str(cell) for cell in row]
            for row in book[title].iter_rows(values_only=True)
        ]
        for name, title in _TABLES.items()
    }
    return _tables(read)


def _office(content: bytes) -> Opened:
    found = office.sheets(content)
    return _tables({name: found[title] for name, title in _TABLES.items()})


def _tables(read: Mapping[str, list[list[str]]]) -> Opened:
    """What the tables say: sums in yuan, and what each instrument used."""
    headings, *_, last = read["groups"]
    total = dict(zip(headings, last, strict=True))
    fen = {name: _fen(total[f"{heading}（元）"]) for name, heading in AMOUNTS.items()}
    headings, *lines = read["instruments"]
    place = headings.index("用掉")
    used = [_fen(line[place]) for line in lines if len(line) > place and line[place]]
    said = dict.fromkeys(line[0] for line in read["sentences"][1:])
    return Opened(fen, _bare("".join(said)), used)


def _pdf(content: bytes) -> Opened:
    text = "".join(pages(content))
    lines = text.splitlines()
    first = lines.index("合计", lines.index("合计") + 1) + 1  # the totals in full
    full = lines[first:]
    fen = {name: _fen(full[full.index(words) + 1]) for name, words in AMOUNTS.items()}
    return Opened(fen, _bare(text))


def _pdftotext(content: bytes) -> Opened:
    text = office.text(content)
    _, _, full = text.partition("\n合计\n")
    fen = {}
    for name, heading in AMOUNTS.items():
        found = re.search(rf"(?<!\S){heading}\s+¥([\d,]+\.\d\d)", full)
        assert found, f"{heading} is not in\n{full}"
        fen[name] = _fen(found[1])
    return Opened(fen, _bare(text))


def _lines(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def _fen(written: str) -> int:
    return int(Decimal(written.lstrip("¥").replace(",", "")) * 100)


def _bare(text: str) -> str:
    return "".join(text.split())


_TABLES = {"groups": "分组", "instruments": "各种工具", "sentences": "年终表述"}
_READERS: dict[str, Reader] = {
    "json": Reader("json", _json),
    "csv": Reader("csv", _csv),
    "zip": Reader("zip", _zip),
    "xlsx by openpyxl": Reader("xlsx", _xlsx),
    "xlsx by LibreOffice": Reader("xlsx", _office, office.OFFICE),
    "pdf by pikepdf": Reader("pdf", _pdf),
    "pdf by pdftotext": Reader("pdf", _pdftotext, office.TEXT),
}


def readers(*, programs: bool = True) -> dict[str, Reader]:
    """Those that can read on this machine; without `programs` those that are Python only."""

    def can(program: str) -> bool:
        return not program or (programs and office.installed(program))

    return {name: one for name, one in _READERS.items() if can(one.program)}


@click.command()
@click.option("--programme", default="yangjiang-2023", show_default=True)
@click.option("--scale", default="1", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), required=True)
def main(programme: str, scale: str, data: Path) -> None:
    """Open the report of a replay again, and compare it with what was published."""
    targets = driver.prepare(programme, scale=scale, seed=1).plan.targets
    with attached(data) as (core, _):
        wrong = list(differing(core, programme, readers()))
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
    for name in _READERS.keys() - readers().keys():
        click.echo(f"not read: {name}, which is not installed")
    click.echo("\n".join(wrong) or f"the same in {', '.join(readers())}")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
