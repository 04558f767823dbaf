"""Administrative divisions, from `config/areas/`: their names, and what lies in what.

A code is six digits (nine for a town), by GB/T 2260; the short forms "44" and "4417" mean the
province and the city. The empty code is the whole city that runs this installation.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from voucher_service import settings


@dataclass(frozen=True, slots=True)
class _Divisions:
    names: dict[str, tuple[str, str]]
    retired: dict[str, str]
    tiles: dict[str, tuple[int, int]]


@cache
def _divisions() -> _Divisions:
    names: dict[str, tuple[str, str]] = {}
    retired: dict[str, str] = {}
    tiles: dict[str, tuple[int, int]] = {}
    for path in sorted((settings.CONFIG / "areas").glob("*.toml")):
        values = tomllib.loads(path.read_text("utf-8"))
        names |= {code: (name["zh"], name["en"]) for code, name in values["names"].items()}
        retired |= values.get("retired", {})
        tiles |= {code: (x, y) for code, (x, y) in values.get("tiles", {}).items()}
    return _Divisions(names, retired, tiles)


def full(code: str) -> str:
    """The code in six or nine digits: "4417" becomes "441700"."""
    return code.ljust(6, "0") if code else ""


def known(code: str) -> bool:
    """Whether a division of today has this code."""
    return full(code) in _divisions().names


def current(code: str) -> str:
    """The division of today that a retired code stands for; any other code as it is."""
    return _divisions().retired.get(code, code)


def name(code: str, locale: str) -> str:
    """The division's name in Chinese, or in English for an English locale; else the code."""
    zh, en = _divisions().names.get(full(current(code)), (code, code))
    return en if locale.startswith("en") else zh


def tile(code: str) -> tuple[int, int] | None:
    """Where a division stands on a schematic map of its city: column from the west, row from the
    north, both from 1. None where nobody placed it.
    """
    return _divisions().tiles.get(full(code))


def is_county(code: str) -> bool:
    """Whether a division is a county or a city of county rank, or lies in one; not a district.

    GB/T 2260: a prefecture's districts are numbered 01 to 20, its counties from 21 on.
    """
    return len(code) >= 6 and code[4:6] > "20"


def stem(code: str) -> str:
    """What the codes of a division and of all that lies in it begin with: "441700" → "4417"."""
    while len(code) <= 6 and code.endswith("00"):
        code = code[:-2]
    return code


def within(code: str, ancestor: str) -> bool:
    """Whether a division is the other one or lies in it. Everything lies in the empty code."""
    return stem(code).startswith(stem(ancestor))


def city(code: str) -> str:
    """The city that a division lies in, or is: "441702" → "441700"."""
    return code[:4].ljust(6, "0")


def children(code: str) -> list[str]:
    """The codes right below a division, in order: of a city its counties, else its towns."""
    below = [other for other in _divisions().names if within(other, code) and other != full(code)]
    return sorted(
        other
        for other in below
        if not any(other != between and within(other, between) for between in below)
    )
