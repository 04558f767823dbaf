"""What a shop hands in for a sale: `config/evidence/*.toml`, each file dated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from voucher_service import settings
from voucher_service.infra import data_files
from voucher_service.infra.data_files import DataFileInvalid, Table

from ..policy import CATEGORIES, Category, Scheme
from .model import ProofKind

_SOLD = CATEGORIES[Scheme.APPLIANCE] | CATEGORIES[Scheme.DIGITAL]


@dataclass(frozen=True, slots=True)
class Checklist:
    """The papers by category, for sales from `first` until the day of the next list."""

    first: date
    kinds: Mapping[Category, tuple[ProofKind, ...]]


def wanted(category: Category, on: date) -> tuple[ProofKind, ...]:
    """The papers of a sale on a day, in the order in which they are asked for.

    A sale before every list, or of a category that its list leaves out, is asked for its invoice.
    """
    for one in reversed(checklists()):
        if one.first <= on:
            return one.kinds.get(category, (ProofKind.INVOICE,))
    return (ProofKind.INVOICE,)


@cache
def checklists() -> tuple[Checklist, ...]:
    """Every list that ships, oldest first. Raises DataFileInvalid, naming file and key."""
    files = sorted((settings.CONFIG / "evidence").glob("*.toml"))
    return tuple(
        sorted((parse(one.stem, one.read_bytes()) for one in files), key=lambda one: one.first)
    )


def parse(name: str, content: bytes) -> Checklist:
    """One list from the text of its file. Raises DataFileInvalid."""
    root = data_files.read(name, content)
    first = root.day("from_on")
    kinds: dict[Category, tuple[ProofKind, ...]] = {}
    for categories, papers in root.rows("lists", _list):
        for category in categories:
            if category in kinds or category not in _SOLD:
                raise DataFileInvalid(f"{name}.toml", f"{category} stands twice or is not sold")
            kinds[category] = papers
    root.done()
    return Checklist(first, kinds)


def _list(table: Table) -> tuple[tuple[Category, ...], tuple[ProofKind, ...]]:
    try:
        categories = tuple(Category(one) for one in table.words("categories"))
        kinds = tuple(ProofKind(one) for one in table.words("kinds"))
    except ValueError as error:
        raise DataFileInvalid(table.name, str(error)) from None
    if ProofKind.INVOICE not in kinds:
        raise DataFileInvalid(table.key("kinds"), "no sale goes without its invoice")
    return categories, kinds
