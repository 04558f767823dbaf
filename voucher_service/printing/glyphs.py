"""Which characters the fonts have: what cannot be printed is replaced before it is set."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

# What printers set for a character that they have no type of.
MISSING = "〓"
_EVERY_CHARACTER = 12  # the format of the table that goes beyond 65,536


def printable(value: Any, font: Path) -> Any:
    """JSON data whose every text the font can print.

    Characters that it lacks become 〓; those that only steer are left out, so that no name turns
    the writing round; line breaks and tabs become blanks.
    """
    if isinstance(value, str):
        known = covered(font)
        return "".join(_printed(one, known) for one in value)
    if isinstance(value, Mapping):
        return {name: printable(one, font) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [printable(one, font) for one in value]
    return value


@cache
def covered(font: Path) -> frozenset[int]:
    """The code points that a TrueType font has glyphs of."""
    return frozenset(point for points in _ranges(font.read_bytes()) for point in points)


def _printed(one: str, known: frozenset[int]) -> str:
    if one.isspace():
        return one if one == "\u3000" else " "
    if unicodedata.category(one) in ("Cc", "Cf"):
        return ""
    return one if ord(one) in known else MISSING


def _ranges(font: bytes) -> Iterator[range]:
    for at in _subtables(font, _table(font, b"cmap")):
        (format_,) = struct.unpack_from(">H", font, at)
        if format_ == _EVERY_CHARACTER:
            (count,) = struct.unpack_from(">I", font, at + 12)
            for first, last, _glyph in struct.iter_unpack(">III", font[at + 16 :][: 12 * count]):
                yield range(first, last + 1)


def _table(font: bytes, name: bytes) -> int:
    (count,) = struct.unpack_from(">H", font, 4)
    entries = struct.iter_unpack(">4sIII", font[12:][: 16 * count])
    return next(int(offset) for tag, _, offset, _ in entries if tag == name)


def _subtables(font: bytes, table: int) -> Iterator[int]:
    (count,) = struct.unpack_from(">H", font, table + 2)
    for _platform, _encoding, offset in struct.iter_unpack(">HHI", font[table + 4 :][: 8 * count]):
        yield table + int(offset)
