"""The formats on the shelf: `config/channels/*.toml`, each file one dated format of a channel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta, timezone
from enum import StrEnum
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TypeVar

from voucher_service import settings
from voucher_service.infra import data_files
from voucher_service.infra.data_files import DataFileInvalid, Table
from voucher_service.kernel.money import Money

from ..model import Part
from .layout import Against, Format, LineKind, Totals, Unit
from .model import BANK_KINDS, KINDS, ChannelFormatUnknown

S = TypeVar("S", bound=StrEnum)
_Columns = tuple[tuple[str, ...], str, str, str, dict[Part, str], str]
_DAY_MINUTES = 24 * 60
_MOST_SHIFT_DAYS = 31
_MOST_TOLERANCE_FEN = 10_000
_ENCODINGS = frozenset({"utf-8", "gb18030"})
# Facts of a trailer: counts of lines, and sums of each kind.
COUNTS = frozenset({"lines", "payments", "refunds"})
SUMS = frozenset({"payment", "refund"})


@cache
def shelf() -> Mapping[str, Format]:
    """Every format that ships, by id. Raises DataFileInvalid, naming file and key."""
    return load(sorted((settings.CONFIG / "channels").glob("*.toml")))


def load(paths: Iterable[Path]) -> Mapping[str, Format]:
    """The formats of these files, named by them. Raises DataFileInvalid; OSError."""
    return {path.stem: parse(path.stem, path.read_bytes()) for path in paths}


def get(id: str) -> Format:
    """The format of that id; the newest of a channel by the channel's name.

    Raises ChannelFormatUnknown.
    """
    known = shelf()
    of_channel = [one for one in known.values() if one.channel == id]
    found = known.get(id) or max(of_channel, key=lambda one: one.valid_from, default=None)
    if found is None:
        raise ChannelFormatUnknown(known="、".join(sorted(known)))
    return found


def title(id: str, locale: str) -> str:
    """How files of a format are called. Raises ChannelFormatUnknown."""
    return get(id).title["en" if locale == "en" else "zh"]


def is_bank(id: str) -> bool:
    """Whether files of that format are a bank's, beside what settlement paid.

    Raises ChannelFormatUnknown.
    """
    return get(id).against is Against.TRANSFERS


def kinds(id: str) -> Mapping[LineKind, str]:
    """How the lines of that format's files are called. Raises ChannelFormatUnknown."""
    return BANK_KINDS if is_bank(id) else KINDS


def parse(id: str, content: bytes) -> Format:
    """One format from the text of its file. Raises DataFileInvalid."""
    root = data_files.read(id, content)
    try:
        made = _format(id, root)
        root.done()
    except DataFileInvalid as error:
        raise DataFileInvalid(f"{id}: {error.key}", str(error).partition(": ")[2]) from None
    return made


def _format(id: str, root: Table) -> Format:
    ahead = root.whole("utc_offset_minutes", 1 - _DAY_MINUTES, _DAY_MINUTES - 1)
    columns = root.part("columns", _columns)
    made = Format(
        id,
        root.part("title", lambda one: {"zh": one.word("zh"), "en": one.word("en")}),
        root.word("channel"),
        root.day("valid_from"),
        _one_of(root, "against", Against),
        _encodings(root),
        _optional(root, "delimiter", ","),
        _optional(root, "prefix"),
        _optional(root, "comment"),
        _one_of(root, "unit", Unit),
        timezone(timedelta(minutes=ahead)),
        root.word("time_form"),
        _optional(root, "day_form"),
        timedelta(minutes=root.whole("day_ends_minutes", 1, _DAY_MINUTES)),
        root.whole("shift_days", 0, _MOST_SHIFT_DAYS),
        Money(root.whole("tolerance_fen", 0, _MOST_TOLERANCE_FEN)),
        _pattern(root, "ours") if root.has("ours") else "",
        *columns,
        root.part("kinds", _kinds) if root.has("kinds") else {},
        root.part("totals", _totals) if root.has("totals") else None,
        root.words("before") if root.has("before") else (),
        root.words("headings"),
    )
    _check(made)
    return made


def _columns(table: Table) -> _Columns:
    return (
        table.words("at"),
        _optional(table, "day"),
        _optional(table, "kind"),
        table.word("reference"),
        {part: table.word(part) for part in Part if table.has(part)},
        _optional(table, "refund"),
    )


def _optional(table: Table, key: str, default: str = "") -> str:
    return table.word(key) if table.has(key) else default


def _kinds(table: Table) -> dict[str, LineKind | None]:
    meant: tuple[tuple[str, LineKind | None], ...] = (
        ("payment", LineKind.PAYMENT),
        ("refund", LineKind.REFUND),
        ("passed_over", None),
    )
    return {word: kind for key, kind in meant if table.has(key) for word in table.words(key)}


def _totals(table: Table) -> Totals:
    columns = table.part("columns", _facts) if table.has("columns") else {}
    texts = tuple(table.words("texts")) if table.has("texts") else ()
    made = Totals(
        _optional(table, "after"),
        columns,
        texts,
        frozenset(table.words("needed")),
    )
    told = set(columns) | {name for text in texts for name in facts_of(text)}
    if not made.needed <= told <= COUNTS | SUMS:
        raise DataFileInvalid(table.key("needed"), "names a fact that the totals don't tell")
    return made


def facts_of(text: str) -> list[str]:
    """The facts that a line of totals names."""
    return [name for _, name, _, _ in Formatter().parse(text) if name]


def _facts(table: Table) -> dict[str, str]:
    return {fact: table.word(fact) for fact in table.left}


def _one_of(table: Table, key: str, kind: type[S]) -> S:
    said = table.word(key)
    if said not in set(kind):
        raise DataFileInvalid(table.key(key), f"one of {', '.join(kind)} is needed, not {said!r}")
    return kind(said)


def _encodings(root: Table) -> tuple[str, ...]:
    found = root.words("encodings")
    if not set(found) <= _ENCODINGS:
        raise DataFileInvalid(root.key("encodings"), "utf-8 and gb18030 are known")
    return found


def _pattern(root: Table, key: str) -> str:
    said = root.word(key)
    try:
        re.compile(said)
    except re.error as error:
        raise DataFileInvalid(root.key(key), f"is no expression: {error}") from None
    return said


def _check(made: Format) -> None:
    if missing := sorted(made.headings - set(made.every_heading)):
        raise DataFileInvalid("headings", f"lack {missing[0]}")
    if not made.sums:
        raise DataFileInvalid("columns", "one of order, discount and paid is needed")
    if bool(made.kind) != bool(made.kinds):
        raise DataFileInvalid("kinds", "goes with columns.kind")
    if LineKind.REFUND in made.kinds.values() and not made.refund:
        raise DataFileInvalid("columns.refund", "is missing; refunds need their sum")
    if made.day and not made.day_form:
        raise DataFileInvalid("day_form", "is missing; columns.day needs it")
