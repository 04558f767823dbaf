"""PostgreSQL's replication protocol: a base backup as a stream, the write-ahead log as it grows.

Spoken through libpq, which psycopg brings: no program of PostgreSQL's is needed here.
"""

from __future__ import annotations

import select
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType

import psycopg
from psycopg import conninfo, pq

from .model import BackupServerFailed, BackupUnfit, lsn, parsed_lsn

_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SEGMENT_SIZES = ("16MB", "16777216")
_WAL_GONE = b"58P01"
_MOST_AT_ONCE = 1 << 22
_SHOWN = ("server_version_num", "wal_segment_size", "wal_level")


class WalGone(Exception):
    """The server no longer has the piece of the write-ahead log that was asked for."""


@dataclass(frozen=True, slots=True)
class Server:
    """Who answers: the cluster's number, its timeline, and how far its log is flushed."""

    system: str
    timeline: int
    place: int
    version: int


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes of the write-ahead log from a place on, or none: then the server said how far it is.

    `at` is the server's clock. `wants_reply`: it waits for an answer.
    """

    place: int
    data: bytes
    at: datetime
    wants_reply: bool = False


class Replication(AbstractContextManager["Replication"]):
    """One replication connection. Raises BackupServerFailed when it is refused or lost."""

    def __init__(self, url: str, name: str) -> None:
        """`name` is what the server calls us, also in `synchronous_standby_names`."""
        wanted = {"replication": "true", "application_name": name, "connect_timeout": "5"}
        with _told():
            address = conninfo.make_conninfo(url, **wanted)
            self._connection = pq.PGconn.connect(address.encode())
        if self._connection.status != pq.ConnStatus.OK:
            raise self._failed()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._connection.finish()

    def identify(self) -> Server:
        """Who answers. Raises BackupUnfit for a server that can't be backed up as it is set up."""
        shown = {name: self._ask(f"SHOW {name}")[0][name] for name in _SHOWN}
        if shown["wal_segment_size"] not in _SEGMENT_SIZES:
            raise BackupUnfit(reason=f"wal_segment_size = {shown['wal_segment_size']}")
        if shown["wal_level"] == "minimal":
            raise BackupUnfit(reason="wal_level = minimal")
        facts = self._ask("IDENTIFY_SYSTEM")[0]
        return Server(
            facts["systemid"],
            int(facts["timeline"]),
            parsed_lsn(facts["xlogpos"]),
            int(shown["server_version_num"]),
        )

    def keep_for(self, slot: str) -> None:
        """Have the server keep the log for us while we are away."""
        if self._ask(f"READ_REPLICATION_SLOT {slot}")[0]["slot_type"] == "":
            self._ask(f"CREATE_REPLICATION_SLOT {slot} PHYSICAL (RESERVE_WAL)")

    def base_backup(self, label: str) -> BaseBackup:
        """Begin a base backup with the log that it needs, after a checkpoint at once."""
        options = f"LABEL '{label}', CHECKPOINT 'fast', WAL, MANIFEST 'yes'"
        with _told():
            self._connection.send_query(
                f"BASE_BACKUP ({options}, MANIFEST_CHECKSUMS 'SHA256')".encode()
            )
        start = _rows(self._result(pq.ExecStatus.TUPLES_OK))[0]
        spaces = _rows(self._result(pq.ExecStatus.TUPLES_OK))
        if outside := [one["spclocation"] for one in spaces if one["spcoid"]]:
            raise BackupUnfit(reason=f"tablespaces: {', '.join(outside)}")
        self._result(pq.ExecStatus.COPY_OUT)
        return BaseBackup(self, parsed_lsn(start["recptr"]), int(start["tli"]))

    def receive(self, slot: str, place: int, timeline: int) -> None:
        """Begin to receive the write-ahead log. Raises WalGone."""
        command = f"START_REPLICATION SLOT {slot} PHYSICAL {lsn(place)} TIMELINE {timeline}"
        with _told():
            result = self._connection.exec_(command.encode())
        if result.status != pq.ExecStatus.COPY_BOTH:
            if result.error_field(pq.DiagnosticField.SQLSTATE) == _WAL_GONE:
                raise WalGone
            raise self._failed(result.get_error_message())

    def incoming(self, timeout_seconds: float) -> list[Received]:
        """Everything that is here, after waiting for the first at most so long.

        Raises BackupServerFailed at the end of the stream, too.
        """
        found = self._waiting()
        if not found:
            with _told():
                select.select([self._connection.socket], [], [], timeout_seconds)
                self._connection.consume_input()
            found = self._waiting()
        return found

    def tell(self, place: int, *, ask: bool = False) -> None:
        """Tell the server that everything before a place is on our disk; `ask` how far it is."""
        now = (datetime.now(UTC) - _POSTGRES_EPOCH) // timedelta(microseconds=1)
        with _told():
            told = struct.pack(">QQQq?", place, place, 0, now, ask)
            self._connection.put_copy_data(b"r" + told)
            self._connection.flush()

    def copied(self) -> Iterator[bytes]:
        """The messages of a copy, until its end."""
        while True:
            with _told():
                size, data = self._connection.get_copy_data(0)
            if size < 0:
                return
            yield bytes(data)

    def ended_at(self) -> int:
        """Where a base backup ended: what the server says last."""
        end = _rows(self._result(pq.ExecStatus.TUPLES_OK))[0]
        self._result(pq.ExecStatus.COMMAND_OK)
        return parsed_lsn(end["recptr"])

    def _waiting(self) -> list[Received]:
        found: list[Received] = []
        bytes_ = 0
        while bytes_ < _MOST_AT_ONCE:
            with _told():
                size, data = self._connection.get_copy_data(1)
            kind = bytes(data[:1])
            if size < 0:
                raise self._failed("the stream ended")
            if not size:
                break
            if kind == b"w":
                place, _, at = struct.unpack(">QQq", data[1:25])
                found.append(Received(place, bytes(data[25:]), _instant(at)))
            elif kind == b"k":
                place, at, wants = struct.unpack(">Qq?", data[1:18])
                found.append(Received(place, b"", _instant(at), wants))
            bytes_ += size
        return found

    def _ask(self, command: str) -> list[dict[str, str]]:
        with _told():
            result = self._connection.exec_(command.encode())
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            raise self._failed(result.get_error_message())
        return _rows(result)

    def _result(self, wanted: pq.ExecStatus) -> pq.abc.PGresult:
        with _told():
            result = self._connection.get_result()
        if result is None or result.status != wanted:
            raise self._failed(result.get_error_message() if result else "no answer")
        return result

    def _failed(self, reason: str = "") -> BackupServerFailed:
        return BackupServerFailed(reason=reason or self._connection.get_error_message())


class BaseBackup:
    """A base backup under way: pieces of one tar, then PostgreSQL's list of its files."""

    def __init__(self, connection: Replication, start: int, timeline: int) -> None:
        self.start, self.timeline = start, timeline
        self.end = 0
        self._connection = connection

    def pieces(self) -> Iterator[tuple[bool, bytes]]:
        """Each piece, and whether it belongs to the list of files. `end` is known at the end."""
        listing = False
        for message in self._connection.copied():
            kind = message[:1]
            if kind == b"m":
                listing = True
            elif kind == b"d":
                yield listing, message[1:]
        self.end = self._connection.ended_at()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise BackupServerFailed(reason=str(error)) from error


def _rows(result: pq.abc.PGresult) -> list[dict[str, str]]:
    """Rows as text; NULL is empty."""
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return [
        {name: (result.get_value(row, column) or b"").decode() for column, name in enumerate(names)}
        for row in range(result.ntuples)
    ]


def _instant(microseconds: int) -> datetime:
    return _POSTGRES_EPOCH + timedelta(microseconds=microseconds)
