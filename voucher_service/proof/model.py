"""What the log answers: how far it is, its heads, proofs; and how it refuses."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from voucher_service.kernel.errors import Conflict, Unprocessable


class SizeUnknown(Unprocessable):
    """The log has no tree of that size, or not yet."""

    code = "log_size_unknown"


class NotSealed(Conflict):
    """What is asked about is not in the log yet; it is sealed within seconds."""

    code = "not_sealed"


@dataclass(frozen=True, slots=True)
class State:
    """How many leaves the log has, its root, and when the last of them came."""

    size: int
    root: bytes
    sealed_at: datetime | None

    @property
    def fingerprint(self) -> str:
        """The root as people note it: base64."""
        return _text(self.root)


@dataclass(frozen=True, slots=True)
class Health:
    """How the log stands. `behind`: how old the oldest row is that is not sealed. `published`: the
    size of the newest head. `witness`: who cosigns, empty for nobody; `witnessed`: the size that it
    signed last; `unwitnessed`: for how long there has been a newer head.
    """

    state: State
    behind: timedelta
    published: int
    published_at: datetime | None
    witness: str
    witnessed: int
    witnessed_at: datetime | None
    unwitnessed: timedelta


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head as it was published, with its signature."""

    size: int
    root: bytes
    note: str
    at: datetime

    @property
    def fingerprint(self) -> str:
        """The root as people note it: base64."""
        return _text(self.root)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That a line is the leaf at an index of the tree of a size, whose root this is."""

    line: str
    index: int
    size: int
    root: bytes
    path: Sequence[bytes]

    @property
    def fingerprint(self) -> str:
        """The root in base64."""
        return _text(self.root)

    @property
    def hashes(self) -> list[str]:
        """The path in base64."""
        return [_text(one) for one in self.path]


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of one size is the beginning of that of another."""

    old: int
    new: int
    path: Sequence[bytes]

    @property
    def hashes(self) -> list[str]:
        """The path in base64."""
        return [_text(one) for one in self.path]


def _text(hash: bytes) -> str:
    return b64encode(hash).decode()
