"""Data files: a table of a TOML file read strictly, no key unknown, errors that name the key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Any, TypeVar

T = TypeVar("T")
_LEAST = "at least {least:,} is needed, not {value:,}"
_BETWEEN = "at least {least:,} and at most {most:,} is needed, not {value:,}"


class DataFileInvalid(Exception):
    """A data file breaks a rule. The text begins with the key; `facts` stand in the reason."""

    def __init__(self, key: str, reason: str, **facts: object) -> None:
        super().__init__(f"{key}: {reason.format_map(facts) if facts else reason}")
        self.key, self.reason, self.facts = key, reason, facts


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    zh: str
    en: str

    def spelt(self, locale: str) -> str:
        """The text in Chinese, or in English for an English locale."""
        return self.en if locale.startswith("en") else self.zh


def read(name: str, content: bytes) -> Table:
    """The outermost table of a file. Raises DataFileInvalid when it is no TOML."""
    try:
        return Table("", tomllib.loads(content.decode()))
    except (ValueError, RecursionError) as error:  # a number of 5,000 figures, a list 1,000 deep
        raise DataFileInvalid(name, "is no TOML: {error}", error=error) from None


class Table:
    """One table. Each call takes a key out; `done` refuses what nobody took.

    Every reading method raises DataFileInvalid when the key is missing or its value is of another
    kind.
    """

    def __init__(self, name: str, content: object) -> None:
        if not isinstance(content, dict):
            raise DataFileInvalid(name, "a table is needed")
        self.name = name
        self._left: dict[str, Any] = dict(content)

    def key(self, key: str) -> str:
        """The whole name of a key, as errors print it."""
        return f"{self.name}.{key}" if self.name else key

    def _take(self, key: str, kind: type[T], what: str) -> T:
        if key not in self._left:
            raise DataFileInvalid(self.key(key), "is missing; {what} is needed", what=what)
        value = self._left.pop(key)
        if type(value) is not kind:  # exact: true is no number, an instant is no day
            raise DataFileInvalid(
                self.key(key), "{what} is needed, not {value}", what=what, value=repr(value)
            )
        return value

    def whole(self, key: str, least: int, most: int | None = None) -> int:
        """A whole number from `least` to `most`, both allowed."""
        value = self._take(key, int, "a whole number")
        if value < least or (most is not None and value > most):
            reason = _LEAST if most is None else _BETWEEN
            raise DataFileInvalid(self.key(key), reason, least=least, most=most, value=value)
        return value

    def word(self, key: str) -> str:
        """A text of one line that is not empty."""
        value = self._take(key, str, "a text")
        if not value.strip() or not value.isprintable():
            raise DataFileInvalid(self.key(key), "a text of one line is needed")
        return value

    def text(self, key: str) -> Text:
        """A text in both languages: a table with `zh` and `en`."""
        return self.part(key, lambda table: Text(table.word("zh"), table.word("en")))

    def day(self, key: str) -> date:
        """A date."""
        return self._take(key, date, "a date (2023-05-01)")

    def time(self, key: str) -> time:
        """A time of day."""
        return self._take(key, time, "a time of day (10:00:00)")

    def part(self, key: str, make: Callable[[Table], T]) -> T:
        """What `make` reads from the table inside this one; every key there must be read."""
        return self._read(Table(self.key(key), self._take(key, dict, "a table")), make)

    def rows(self, key: str, make: Callable[[Table], T]) -> tuple[T, ...]:
        """What `make` reads from each table of a list that is not empty."""
        return tuple(
            self._read(Table(f"{self.key(key)}[{place}]", content), make)
            for place, content in enumerate(self._list(key))
        )

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts, not empty, none twice."""
        values = self._list(key)
        if not all(type(value) is str and value for value in values):
            raise DataFileInvalid(self.key(key), "a list of texts is needed")
        if len(set(values)) < len(values):
            raise DataFileInvalid(self.key(key), "names something twice")
        return tuple(values)

    def weights(self, key: str, length: int | None = None) -> tuple[int, ...]:
        """A list of whole numbers, none negative and one positive, of the given length if any."""
        values = self._list(key)
        if not all(type(value) is int and value >= 0 for value in values) or not sum(values):
            raise DataFileInvalid(self.key(key), "whole numbers with one above 0 are needed")
        if length is not None and len(values) != length:
            raise DataFileInvalid(self.key(key), "{length} numbers are needed", length=length)
        return tuple(values)

    def has(self, key: str) -> bool:
        """Whether the key is there and was not taken."""
        return key in self._left

    @property
    def left(self) -> tuple[str, ...]:
        """The keys not taken yet."""
        return tuple(self._left)

    def done(self) -> None:
        """Raises DataFileInvalid when a key was not taken: a misspelt one must not pass."""
        if self._left:
            raise DataFileInvalid(self.key(min(self._left)), "is not a key of such a file")

    @staticmethod
    def _read(table: Table, make: Callable[[Table], T]) -> T:
        made = make(table)
        table.done()
        return made

    def _list(self, key: str) -> list[Any]:
        values = self._take(key, list, "a list")
        if not values:
            raise DataFileInvalid(self.key(key), "the list is empty")
        return values
