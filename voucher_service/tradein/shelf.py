"""The policies on the shelf: `config/policies/*.toml`, each file one dated version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from voucher_service import settings
from voucher_service.infra import areas, data_files
from voucher_service.infra.data_files import DataFileInvalid, Table
from voucher_service.kernel.money import Bps, Money

from .policy import (
    CATEGORIES,
    Amount,
    CarRule,
    Category,
    Energy,
    Flat,
    OldRule,
    Policy,
    Round,
    Rule,
    Scheme,
    Share,
    Tiers,
)

S = TypeVar("S", bound=StrEnum)
T = TypeVar("T")
_MOST_FEN = 10**9


@cache
def shelf() -> tuple[Policy, ...]:
    """Every policy that ships, by id. Raises DataFileInvalid, naming file and key."""
    return load(sorted((settings.CONFIG / "policies").glob("*.toml")))


def policy(id: str) -> Policy:
    """The policy of that id. Raises KeyError."""
    return {one.id: one for one in shelf()}[id]


def load(paths: Iterable[Path]) -> tuple[Policy, ...]:
    """The policies of these files. Raises DataFileInvalid; OSError."""
    return tuple(parse(path.stem, path.read_bytes()) for path in paths)


def parse(id: str, content: bytes) -> Policy:
    """One policy from the text of its file, named by the file. Raises DataFileInvalid."""
    root = data_files.read(id, content)
    try:
        made = _policy(id, root)
        root.done()
        _check(made)
    except DataFileInvalid as error:
        raise DataFileInvalid(f"{id}.toml: {error.key}", error.reason, **error.facts) from None
    return made


def _policy(id: str, root: Table) -> Policy:
    first, last, file_by, correct_by = root.part("events", _events)
    return Policy(
        id=id,
        name=root.text("name"),
        scheme=_one(root, "scheme", Scheme),
        areas=tuple(areas.full(one) for one in _optional(root, "areas", root.words) or ()),
        source=root.word("source"),
        published_on=root.day("published_on"),
        first=first,
        last=last,
        file_by=file_by,
        rounding=_one(root, "rounding", Round),
        rules=root.rows("rules", _rule),
        old=_optional(root, "old", lambda key: root.part(key, _old)),
        units=_optional(root, "units", lambda key: root.part(key, _units)),
        car=_optional(root, "car", lambda key: root.part(key, _car)),
        correct_by=correct_by,
        counts_with=_set(root, "counts_with", Scheme),
        assumed=_optional(root, "assumed", root.text),
    )


def _events(table: Table) -> tuple[date, date, date | None, date | None]:
    file_by, correct_by = (_optional(table, key, table.day) for key in ("file_by", "correct_by"))
    return table.day("first"), table.day("last"), file_by, correct_by


def _rule(table: Table) -> Rule:
    return Rule(
        categories=_set(table, "categories", Category),
        amount=table.part("amount", _amount),
        grades=_grades(table),
        energies=_set(table, "energies", Energy),
        old_energies=_set(table, "old_energies", Energy),
        engine_most_ml=_optional(table, "engine_most_ml", lambda key: table.whole(key, 1, 20_000)),
        price_most=_optional(table, "price_most_fen", lambda key: _money(table, key)),
    )


def _amount(table: Table) -> Amount:
    if table.has("flat_fen"):
        return Flat(_money(table, "flat_fen"))
    if table.has("tiers"):
        return Tiers(table.rows("tiers", lambda row: (_money(row, "from_fen"), _money(row, "fen"))))
    if table.has("rate_bps"):
        return Share(Bps(table.whole("rate_bps", 1, 10_000)), _money(table, "cap_fen"))
    raise DataFileInvalid(table.name, "one of flat_fen, tiers and rate_bps is needed")


def _grades(table: Table) -> frozenset[int]:
    words = _optional(table, "grades", table.words) or ()
    if not set(words) <= set("12345"):
        raise DataFileInvalid(table.key("grades"), "grades are 1 to 5")
    return frozenset(int(one) for one in words)


def _old(table: Table) -> OldRule:
    registered = _optional(table, "registered_by", lambda key: table.part(key, _cut_offs))
    return OldRule(registered or {}, _optional(table, "owned_by", table.day))


def _cut_offs(table: Table) -> dict[Energy, date]:
    return {energy: table.day(energy) for energy in Energy if table.has(energy)}


def _units(table: Table) -> dict[Category, int]:
    return {one: table.whole(one, 1, 100) for one in Category if table.has(one)}


def _car(table: Table) -> CarRule:
    requires = set(_optional(table, "requires", table.words) or ())
    if unknown := requires - {"catalogue", "same_province"}:
        raise DataFileInvalid(
            table.key("requires"), "unknown: {words}", words=", ".join(sorted(unknown))
        )
    return CarRule(
        seats_most=table.whole("seats_most", 1, 100),
        catalogue="catalogue" in requires,
        same_province="same_province" in requires,
    )


def _check(policy: Policy) -> None:
    if policy.first > policy.last:
        raise DataFileInvalid("events", "the first day is after the last")
    if policy.file_by is not None and policy.file_by < policy.last:
        raise DataFileInvalid("events.file_by", "is before the last day")
    if policy.correct_by is not None and policy.correct_by < (policy.file_by or policy.last):
        raise DataFileInvalid("events.correct_by", "is before the last day of filing")
    for area in policy.areas:
        if not areas.known(area):
            raise DataFileInvalid("areas", "{area} is no division of ours", area=area)
    for place, rule in enumerate(policy.rules):
        strange = rule.categories - CATEGORIES[policy.scheme]
        if strange or not rule.categories:
            key = f"rules[{place}].categories"
            words = ", ".join(sorted(strange)) or "–"
            raise DataFileInvalid(key, "not of this scheme: {words}", words=words)
        if isinstance(rule.amount, Tiers) and not rule.amount.rise():
            raise DataFileInvalid(f"rules[{place}].amount", "tiers rise, in price and in sum")


def _money(table: Table, key: str) -> Money:
    return Money(table.whole(key, 0, _MOST_FEN))


def _one(table: Table, key: str, kind: type[S]) -> S:
    word = table.word(key)
    try:
        return kind(word)
    except ValueError:
        raise _none_of(table.key(key), word, kind) from None


def _set(table: Table, key: str, kind: type[S]) -> frozenset[S]:
    words = _optional(table, key, table.words) or ()
    if strange := [word for word in words if word not in set(kind)]:
        raise _none_of(table.key(key), strange[0], kind)
    return frozenset(kind(word) for word in words)


def _none_of(key: str, word: str, kind: Iterable[str]) -> DataFileInvalid:
    return DataFileInvalid(key, "{word} is none of {words}", word=word, words=", ".join(kind))


def _optional(table: Table, key: str, read: Callable[[str], T]) -> T | None:
    return read(key) if table.has(key) else None
