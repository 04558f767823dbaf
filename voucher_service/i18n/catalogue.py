"""The English catalogues, merged in memory, and the choice of a language."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"
DEFAULT = "zh-CN"
LOCALES = (DEFAULT, "en")


def read(path: Path) -> Catalog:
    """One catalogue file."""
    with path.open("rb") as file:
        return read_po(file, locale="en")


@cache
def english() -> dict[str, str]:
    """All English catalogues as one. Texts without a translation stay Chinese."""
    return {
        str(message.id): str(message.string)
        for path in sorted((TRANSLATIONS / "en").glob("*.po"))
        for message in read(path)
        if message.id and message.string
    }


def gettext(text: str, locale: str, **facts: Any) -> str:
    """The text in a locale, with its facts filled in. Unknown texts are returned as they are."""
    words = english().get(text, text) if locale == "en" else text
    return words.format(**facts) if facts else words


def labels(text: str) -> dict[str, str]:
    """The text in every locale."""
    return {locale: gettext(text, locale) for locale in LOCALES}


def known(text: str) -> bool:
    """Whether the text is one of ours: it has English."""
    return text in english()


def mark(text: str) -> str:
    """Names a text of Python code for the catalogues without translating it yet."""
    return text


def negotiate(accepted: Iterable[str]) -> str:
    """The first of the accepted language tags that we speak, by its primary part; else Chinese."""
    for tag in accepted:
        primary = tag.lower().replace("_", "-").split("-")[0]
        if primary in ("zh", "en"):
            return DEFAULT if primary == "zh" else "en"
    return DEFAULT
