"""Finds every text in code and templates, and keeps the English catalogues in step with them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from .catalogue import TRANSLATIONS, english, read
from .errors import KINDS
from .sentences import TEXT

ROOT = TRANSLATIONS.parent.parent
BUSINESS = ROOT / "voucher_service"
FACES = {
    "resident": BUSINESS / "resident",
    "merchant": ROOT / "merchant_portal",
    "admin": ROOT / "admin",
}
_METHODS = [
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
    ("**/templates/**.txt", "jinja2"),
]
_KEYWORDS = {"_": None, "mark": None, "gettext": None}


@cache
def texts() -> dict[str, set[str]]:
    """The texts in use by catalogue; read once in a process.

    Refusals are in `errors`, a text of one face in that face's, and what the business or several
    faces say in `kit`.
    """
    refusals = {text for forms in TEXT.values() for text in forms} | set(KINDS.values())
    faces = {name: set(_found(folder)) for name, folder in FACES.items()}
    shared = set(_found(BUSINESS)) | {
        text
        for text in set().union(*faces.values())
        if sum(text in own for own in faces.values()) > 1
    }
    found = {"errors": refusals, "kit": shared - refusals}
    return found | {name: own - shared - refusals for name, own in faces.items()}


def refresh(*, prune: bool = False) -> list[tuple[str, str]]:
    """Add new texts to the catalogues; one that stands in any of them stays where it is, and one
    that stands in several only there where `english` reads it.

    With `prune` also drop texts no longer in use. Returns (catalogue, text) without English.
    """
    found, known = texts(), english()
    in_use = set().union(*found.values())
    folder = TRANSLATIONS / "en"
    held = {path.stem: _said(path) for path in sorted(folder.glob("*.po"))}
    homes = {text: name for name, own in held.items() for text, said in own.items() if said}
    for name in {**held, **found}:
        before = set(held.get(name, ()))
        own = {text for text in before if homes.get(text, name) == name}
        after = own | (found.get(name, set()) - homes.keys())
        after = after & in_use if prune else after
        if after == before:
            continue
        catalogue = Catalog(locale="en", fuzzy=False)
        for text in sorted(after):
            catalogue.add(text, known.get(text, ""))
        with (folder / f"{name}.po").open("wb") as file:
            write_po(file, catalogue, width=100, omit_header=True, no_location=True)
    english.cache_clear()
    return missing()


def _said(path: Path) -> dict[str, str]:
    """The texts of a catalogue with their English, which may be empty."""
    return {str(one.id): str(one.string) for one in read(path) if one.id}


def missing() -> list[tuple[str, str]]:
    """The texts in use that have no English, without writing anything."""
    known = english()
    return [
        (name, text)
        for name, wanted in texts().items()
        for text in sorted(wanted)
        if not known.get(text)
    ]


def _found(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        return
    for file, _line, text, _comments, _context in extract_from_dir(
        str(folder), _METHODS, keywords=_KEYWORDS
    ):
        in_a_face = folder == BUSINESS and (folder / file).is_relative_to(FACES["resident"])
        if isinstance(text, str) and not text.isascii() and not in_a_face:
            yield text
