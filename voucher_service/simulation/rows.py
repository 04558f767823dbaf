"""A voucher's row in the simulated PostgreSQL, what no other may have, and the locks of offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

from .protections import Protections

Value = tuple[Any, ...]


class Lock(IntEnum):
    """What a transaction holds of the offer's row."""

    NONE = 0
    KEY_SHARE = 1
    NO_KEY_UPDATE = 2
    UPDATE = 3


# Which locks can't stand beside which.
CONFLICTS = {
    Lock.KEY_SHARE: {Lock.UPDATE},
    Lock.NO_KEY_UPDATE: {Lock.NO_KEY_UPDATE, Lock.UPDATE},
    Lock.UPDATE: {Lock.KEY_SHARE, Lock.NO_KEY_UPDATE, Lock.UPDATE},
}


@dataclass(frozen=True, slots=True)
class Row:
    """A voucher's row, as far as constraints and answers need it."""

    id: UUID
    release: UUID
    quota: int
    slot: int
    resident: UUID
    ordinal: int
    generation: int
    epoch: int
    key_hash: bytes
    at: datetime

    def unique(self, keeps: Protections) -> Iterator[Value]:
        """What no other row may have."""
        yield "id", self.id
        yield "key", self.resident, self.key_hash
        yield from self.place(keeps)

    def place(self, keeps: Protections) -> Iterator[Value]:
        """What no other row may have while this one holds its slot."""
        if keeps.unique_slot:
            yield "slot", self.release, self.slot
        if keeps.unique_ordinal:
            yield "ordinal", self.resident, self.ordinal


def rows_of(values: dict[str, Any]) -> Iterator[Row]:
    """The rows of one INSERT, from its columns."""
    names = ("ids", "releases", "quotas", "slots", "residents", "ordinals", "generations")
    columns = (values[name] for name in (*names, "key_hashes"))
    for *first, key_hash in zip(*columns, strict=True):
        yield Row(*first, values["epoch"], key_hash, values["now"])  # type: ignore[call-arg]
