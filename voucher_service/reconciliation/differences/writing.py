"""Write a file as a channel would: samples to try imports with, and what tests read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO

from ..model import Part
from .formats import SUMS, facts_of
from .layout import Format, LineKind, Told, Unit
from .reading import Tally

_NEWLINE = "\r\n"


def write(format: Format, lines: Iterable[Told], out: BinaryIO) -> Tally:
    """Write lines in a format, with every heading and its totals; what was counted."""
    text = io.TextIOWrapper(out, format.encodings[0], newline="")
    tally = Tally()
    for line in format.before:
        text.write(line + _NEWLINE)
    _row(text, format, format.every_heading, prefixed=False)
    words = {kind: word for word, kind in reversed(list(format.kinds.items())) if kind}
    for one in lines:
        tally.lines += 1
        tally.add(one)
        cells = _cells(format, one, words)
        _row(text, format, [cells.get(name, "") for name in format.every_heading])
    _totals(text, format, tally)
    text.flush()
    text.detach()
    return tally


def _cells(format: Format, one: Told, words: dict[LineKind, str]) -> dict[str, str]:
    at = one.at.astimezone(format.zone).strftime(format.time_form)
    parts = at.split(" ") if len(format.at) > 1 else [at]
    told: dict[str, int | None]
    if one.kind is LineKind.REFUND:
        told = {format.refund: one.paid}
    else:
        sums = {Part.ORDER: one.order, Part.DISCOUNT: one.discount, Part.PAID: one.paid}
        told = {column: sums[part] for part, column in format.sums.items()}
    written = {
        format.reference: one.reference,
        **dict(zip(format.at, parts, strict=True)),
        **{column: _sum(fen, format.unit) for column, fen in told.items() if fen is not None},
    }
    if format.kind:
        written[format.kind] = words[one.kind]
    if format.day:
        written[format.day] = one.day.strftime(format.day_form)
    return written


def _totals(text: io.TextIOBase, format: Format, tally: Tally) -> None:
    if format.totals is None:
        return
    facts = {
        fact: _sum(count, format.unit) if fact in SUMS else str(count)
        for fact, count in vars(tally).items()
        if isinstance(count, int)
    }
    if format.totals.columns:
        _row(text, format, list(format.totals.columns.values()), prefixed=False)
        _row(text, format, [facts[fact] for fact in format.totals.columns])
    for line in format.totals.texts:
        told = {fact: facts[fact] for fact in facts_of(line)}
        text.write(line.format(**told) + _NEWLINE)


def _row(
    text: io.TextIOBase, format: Format, cells: Iterable[str], *, prefixed: bool = True
) -> None:
    if format.prefix and prefixed:
        text.write(format.delimiter.join(format.prefix + one for one in cells) + _NEWLINE)
    else:
        csv.writer(text, delimiter=format.delimiter, lineterminator=_NEWLINE).writerow(cells)


def _sum(fen: int, unit: Unit) -> str:
    if unit is Unit.FEN:
        return str(fen)
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"
