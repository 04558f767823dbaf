"""What a PDF says, read back by the tables with which any reader copies text out of it."""

from __future__ import annotations

import io
import re

import pikepdf

_CODE = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")
_RANGE = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")


def pages(made: bytes) -> list[str]:
    """The text of each page, a line for each run of letters."""
    with pikepdf.open(io.BytesIO(made)) as paper:
        return [_page(page) for page in paper.pages]


def _page(page: pikepdf.Page) -> str:
    fonts = {str(name): _letters(font) for name, font in page.resources.Font.items()}
    said, font = [], {}
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            font = fonts[str(operands[0])]
        elif str(operator) in {"Tj", "TJ"}:
            parts = operands[0] if str(operator) == "TJ" else [operands[0]]
            said.append("".join(_said(bytes(one), font) for one in parts if _is_text(one)))
        elif str(operator) == "ET":
            said.append("\n")
    return "".join(said)


def _is_text(one: object) -> bool:
    return isinstance(one, pikepdf.String)


def _said(codes: bytes, font: dict[int, str]) -> str:
    pairs = zip(codes[::2], codes[1::2], strict=True)
    return "".join(font[high << 8 | low] for high, low in pairs)


def _letters(font: pikepdf.Object) -> dict[int, str]:
    table, found = font.ToUnicode.read_bytes(), {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        found |= {int(code, 16): _text(text) for code, text in _CODE.findall(block)}
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, text in _RANGE.findall(block):
            start = int(text, 16)
            codes = range(int(first, 16), int(last, 16) + 1)
            found |= {code: chr(start + place) for place, code in enumerate(codes)}
    return found


def _text(hexes: bytes) -> str:
    return bytes.fromhex(hexes.decode()).decode("utf-16-be")
