"""Forms as offices file them: a title, facts in boxes, tables with totals, room to sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar

from .rendering import pdf


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within the form."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    kind: ClassVar[str] = "words"
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values in boxes, two pairs abreast; a `wide` one has a line of its own."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what stands beside it."""

    label: str
    value: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, its share of the width, whether figures stand in it."""

    heading: str
    share: int = 1
    figures: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose head is repeated on each page. `total`: its last row, bold; `unit`: above it.

    Printing costs about 100 KB of memory a row: thousands of rows are for a spreadsheet.
    """

    kind: ClassVar[str] = "table"
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """A box to write in by hand, so many centimetres high, with a line at its foot."""

    kind: ClassVar[str] = "room"
    heading: str
    foot: str
    centimetres: int = 3


@dataclass(frozen=True, slots=True)
class Signatures:
    """A line for each who signs."""

    kind: ClassVar[str] = "signatures"
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Length:
    """How long a bar is, in thousandths of the longest, and the figure behind it."""

    thousandths: int
    figure: str


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars: a group for each label, in it one bar of each series."""

    kind: ClassVar[str] = "bars"
    heading: str
    series: Sequence[str]
    groups: Sequence[tuple[str, Sequence[Length]]]


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart of lines from `first` to `last`; points in thousandths of `top`, evenly spread."""

    kind: ClassVar[str] = "lines"
    heading: str
    series: Sequence[tuple[str, Sequence[int]]]
    first: str
    last: str
    top: str


Block = Heading | Words | Facts | Table | Room | Signatures | Bars | Lines


@dataclass(frozen=True, slots=True)
class Form:
    """A paper of A4 pages. `foot`: at the bottom of each, beside the page's number; `pages` says
    that, with {page} and {pages} in it. `wide`: lying.
    """

    title: str
    blocks: Sequence[Block]
    subtitle: str = ""
    foot: str = ""
    pages: str = "第 {page} 页 / 共 {pages} 页"
    lang: str = "zh"
    wide: bool = False


def printed(form: Form, *, at: datetime) -> bytes:
    """The form as a PDF that was made at an instant. Raises FontsMissing."""
    return pdf("form", as_data(form), at=at)


def as_data(form: Form) -> dict[str, Any]:
    """What the template reads."""
    return asdict(form) | {"blocks": [asdict(one) | {"kind": one.kind} for one in form.blocks]}
