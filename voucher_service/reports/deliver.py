"""A report as bytes of the format that was asked for."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from datetime import date
from typing import BinaryIO

from rich.console import Console

from voucher_service.infra.core import Core
from voucher_service.proof import service as proof

from . import export, paper, printed
from . import leverage as leverage_report
from .groups import Basis, GroupBy
from .leverage import LeverageReport

_WIDTH = 150
_Writer = Callable[[LeverageReport, str], bytes]


def leverage(
    core: Core,
    *,
    programme: str,
    group_by: str,
    basis: str,
    format_: str,
    locale: str,
    first: date | None = None,
    last: date | None = None,
) -> bytes:
    """The leverage report as table, json, csv, zip, xlsx or pdf, with a head of the log published
    with it that seals all it is made of. Raises NoSuchThing, InvalidInput.
    """
    _seal(core)
    proof.publish(core)
    report = leverage_report.report(
        core,
        programme=programme,
        group_by=GroupBy(group_by),
        basis=Basis(basis),
        from_=first,
        to=last,
    )
    return written(report, format_, locale)


def _seal(core: Core) -> None:
    """Seal what was written before now; what is written meanwhile may wait."""
    began = time.monotonic()
    # The clock is read first: a row that was there at the beginning is never taken for a later one.
    while time.monotonic() - began < proof.health(core).behind.total_seconds():
        if not proof.seal(core):
            return  # another process is at it


def written(report: LeverageReport, format_: str, locale: str) -> bytes:
    """A report that was read, in one of those formats. Raises FontsMissing for a PDF."""
    return _WRITERS[format_](report, locale)


def _table(report: LeverageReport, locale: str) -> bytes:
    console = Console(file=io.StringIO(), width=_WIDTH, highlight=False)
    console.print(printed.leverage(report, locale))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().encode()


def _json(report: LeverageReport, locale: str) -> bytes:
    text = json.dumps(leverage_report.as_json(report, locale), ensure_ascii=False, indent=2)
    return text.encode() + b"\n"


def _file(write: Callable[[LeverageReport, BinaryIO, str], None]) -> _Writer:
    def written(report: LeverageReport, locale: str) -> bytes:
        out = io.BytesIO()
        write(report, out, locale)
        return out.getvalue()

    return written


_WRITERS: dict[str, _Writer] = {
    "table": _table,
    "json": _json,
    "csv": _file(export.csv),
    "zip": _file(export.zip_),
    "xlsx": _file(export.xlsx),
    "pdf": paper.pdf,
}
