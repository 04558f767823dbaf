"""An entry of the log as it is written, hashed and exported: one line, the same everywhere.

A line is comma separated (RFC 4180) with the columns of `HEADER` and without its line end. It
begins with its index, so that the leaf covers its place too. Persons appear under names that only
their salt leads to; what somebody typed appears as its salted hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

HEADER = (
    "index",
    "kind",
    "number",
    "at",
    "who",
    "what",
    "about",
    "which",
    "before",
    "after",
    "detail",
)
# Whose actors and objects are persons.
PERSONS = frozenset({"resident", "staff", "cashier"})
# What of a detail stands in clear: figures, states and numbers of things. Whatever else there is,
# typed or about a person, and every key that nobody thought of yet, appears as its salted hash.
# The rule also reads what was sealed long ago: a key that is in use never changes sides.
PLAIN = frozenset(
    {
        "amount_fen",
        "attempt",
        "campaign",
        "category",
        "changed",
        "claimed",
        "closes_at",
        "count",
        "counts",
        "entries",
        "events",
        "fate",
        "field",
        "file_sha256",
        "first",
        "fresh",
        "from_epoch",
        "given",
        "ids",
        "ids_sha256",
        "kind",
        "known_until",
        "last",
        "limit",
        "line",
        "lines",
        "list_sha256",
        "lookup",
        "machine",
        "more_fen",
        "offer",
        "open",
        "opens_at",
        "order_amount_fen",
        "other_fen",
        "party",
        "payload_sha256",
        "percent",
        "policy",
        "price_fen",
        "print",
        "programme",
        "qualification",
        "reads",
        "redemption",
        "refund",
        "result_sha256",
        "sample",
        "scheme",
        "seats",
        "seed",
        "seen",
        "settled",
        "sha256",
        "shop",
        "signatures_needed",
        "size_class",
        "subsidy_fen",
        "suspension",
        "to_epoch",
        "voucher",
        "waiting",
    }
)
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\0": "\\0"})
_MARKED = re.compile(r'[\\\n\r\0,"]')


class Kind(StrEnum):
    """What an entry is about: something that was done, or money that moved."""

    EVENT = "event"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Event:
    """A record of the audit trail."""

    number: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    before: str | None
    after: str | None
    detail: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A movement of money; each leg an account by name and whole fen."""

    number: int
    at: datetime
    code: str
    key: str
    legs: Sequence[tuple[str, int]]


Entry = Event | Transfer
Salts = Mapping[str, bytes]


def persons(entry: Entry) -> set[str]:
    """The salts that writing an entry needs: those of the persons in it, and the event's own."""
    if isinstance(entry, Transfer):
        return set()
    found = {entry.actor} if _is_person(entry.actor) else set()
    if entry.object_type in PERSONS:
        found.add(f"{entry.object_type}:{entry.object_id}")
    if entry.detail and not all(_plain(entry, key) for key in entry.detail):
        found.add(own(entry))
    return found


def own(entry: Event) -> str:
    """The name of the salt of what an event's detail keeps back."""
    return f"event:{entry.number}"


def line(index: int, entry: Entry, salts: Salts) -> str:
    """The entry at an index of the log. Raises KeyError when a salt is missing."""
    if isinstance(entry, Transfer):
        legs = json.dumps([list(leg) for leg in entry.legs], ensure_ascii=True)
        return _joined(index, Kind.TRANSFER, entry, ("", entry.code, "", entry.key, "", "", legs))
    told = (
        hidden(entry.actor, salts),
        entry.action,
        entry.object_type,
        _object(entry, salts),
        entry.before or "",
        entry.after or "",
        _detail(entry, salts),
    )
    return _joined(index, Kind.EVENT, entry, told)


def hidden(actor: str, salts: Salts) -> str:
    """The actor under a name that only the salt leads to; those that are no persons as they are."""
    if not _is_person(actor):
        return actor
    kind, _, id = actor.partition(":")
    return f"{kind}:{_hash(salts[actor], id)}"


def _is_person(actor: str) -> bool:
    return actor.partition(":")[0] in PERSONS and ":" in actor


def _object(entry: Event, salts: Salts) -> str:
    if entry.object_type not in PERSONS:
        return entry.object_id
    return _hash(salts[f"{entry.object_type}:{entry.object_id}"], entry.object_id)


def _detail(entry: Event, salts: Salts) -> str:
    if not entry.detail:
        return ""
    told = {
        key: value if _plain(entry, key) else _hash(salts[own(entry)], _dumped(value))
        for key, value in entry.detail.items()
    }
    return _dumped(told)


def _plain(entry: Event, key: str) -> bool:
    return key in PLAIN and not (key == "ids" and entry.object_type in PERSONS)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _hash(salt: bytes, text: str) -> str:
    return hashlib.sha256(salt + text.encode()).hexdigest()[:32]


def _joined(index: int, kind: Kind, entry: Entry, told: Sequence[str]) -> str:
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    return ",".join([str(index), kind, str(entry.number), at, *(_field(one) for one in told)])


def _field(text: str) -> str:
    if not _MARKED.search(text):
        return text
    plain = text.translate(_ESCAPES)
    if any(mark in plain for mark in ',"'):
        return '"' + plain.replace('"', '""') + '"'
    return plain


def account_name(owner: str, id: UUID, stage: str) -> str:
    """An account as an entry names it."""
    return f"{owner}:{id}:{stage}"
