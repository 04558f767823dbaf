"""From a template and its data to the bytes of a PDF. The same data give the same bytes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from voucher_service.kernel.errors import Unavailable

from .glyphs import printable

FOLDER = Path(__file__).resolve().parent
FONTS = FOLDER / "fonts"
_TEMPLATES = FOLDER / "templates"
_MODULES = FOLDER.parent.parent / "node_modules" / "@expo-google-fonts" / "noto-sans-sc"
_WEIGHTS = ("400Regular", "700Bold")
# For the archive, and every letter of it can be searched and copied.
_STANDARD: typst.PDFStandards = "a-2u"


class FontsMissing(Unavailable):
    """The fonts that Chinese is printed with are not installed; `voucher assets` collects them."""

    code = "fonts_missing"


def pdf(template: str, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """The document that a template of this package makes of JSON data, made at an instant.

    Data are never code: the template reads them as texts and numbers. Characters that no font has
    become 〓. Raises FontsMissing.
    """
    return bytes(_compiled(template, data, at=at, format="pdf", pdf_standards=_STANDARD))


def collect_fonts() -> None:
    """Copy the two weights that are printed with out of `node_modules/`.

    Raises FileNotFoundError.
    """
    FONTS.mkdir(exist_ok=True)
    for weight in _WEIGHTS:
        shutil.copyfile(_MODULES / weight / _file(weight), FONTS / _file(weight))


def _compiled(template: str, data: Mapping[str, Any], *, at: datetime, **options: Any) -> Any:
    fonts = _fonts(FONTS)
    told = printable(data, FONTS / _file(_WEIGHTS[0]))
    return typst.compile(
        _TEMPLATES / f"{template}.typ",
        root=_TEMPLATES,
        font_paths=fonts,
        sys_inputs={"data": json.dumps(told, ensure_ascii=False)},
        timestamp=int(at.timestamp()),
        **options,
    )


@cache
def _fonts(folder: Path) -> typst.Fonts:
    """Ours alone, read once: what a machine has besides must change no paper."""
    if not all((folder / _file(one)).is_file() for one in _WEIGHTS):
        raise FontsMissing
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)]
    )


def _file(weight: str) -> str:
    return f"NotoSansSC_{weight}.ttf"
