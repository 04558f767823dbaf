"""A text as a QR code, drawn as one SVG path: no picture file, no inline style."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from qrcode import constants
from qrcode.main import QRCode


@dataclass(frozen=True, slots=True)
class Drawing:
    """The modules as a path in a square of `size` units; the margin is the page's white frame."""

    size: int
    path: str


def draw(text: str) -> Drawing:
    """The QR of a text, with medium error correction."""
    code: QRCode[object] = QRCode(error_correction=constants.ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    return Drawing(len(rows), "".join(_row(y, row) for y, row in enumerate(rows)))


def _row(y: int, row: list[bool]) -> str:
    drawn, x = "", 0
    for dark, run in groupby(row):
        width = len(list(run))
        drawn += f"M{x} {y}h{width}v1h-{width}z" if dark else ""
        x += width
    return drawn
