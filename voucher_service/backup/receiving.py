"""Receive the write-ahead log as it is written, and answer once it is on our disk.

Named in `synchronous_standby_names`, the receiver makes a commit wait until its log is here too:
nothing acknowledged is lost with the server's disk. Not named there, it runs a moment behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

from voucher_service.infra.secrets import Keyring

from . import wal
from .folder import Folder, plainly
from .model import (
    SEGMENT_BYTES,
    BackupFolderFailed,
    BackupServerFailed,
    lsn,
    segment_of,
    start_of,
    timeline_of,
)
from .replication import Received, Replication, Server, WalGone

NAME = "voucher_backup"
_WAIT_SECONDS = 1.0
_PAUSE_SECONDS = 1.0
# So often a server that sends nothing is asked how far it is; what it says is a moment old.
_QUIET = timedelta(seconds=10)
_MOMENT = timedelta(seconds=1)


def receive(
    url: str,
    folder: Folder,
    keyring: Keyring,
    *,
    asked_to_stop: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Receive until asked to stop; whoever is away is asked again every second.

    Raises BackupInProgress, BackupNotOurs, BackupUnfit, BackupWrongKey, BackupDamaged, and where
    the folder can't be used at the start, BackupFolderFailed.
    """
    folder.prepare()
    said = ""
    with folder.held("wal"):
        folder.remove_drafts()
        wal.finish_full(folder, keyring)
        while not asked_to_stop():
            try:
                _once(url, folder, keyring, asked_to_stop, say)
            except (BackupServerFailed, BackupFolderFailed) as error:
                # Said once, not every second of an outage.
                if said != (said := str(error.params)):
                    say(f"{error.code}: {said}")
                time.sleep(_PAUSE_SECONDS)


def _once(
    url: str,
    folder: Folder,
    keyring: Keyring,
    asked_to_stop: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    with Replication(url, NAME) as connection:
        server = connection.identify()
        folder.claim(server.system)
        connection.keep_for(NAME)
        name = wal.newest(folder, server.timeline) or segment_of(server.timeline, server.place)
        receiver = _Receiver(connection, folder, keyring, wal.begin(folder, keyring, name))
        try:
            receiver.begin(server, say)
            while not asked_to_stop():
                receiver.take(connection.incoming(_WAIT_SECONDS))
        finally:
            receiver.close()


class _Receiver:
    """Writes what arrives into the growing pieces, and answers."""

    def __init__(
        self, connection: Replication, folder: Folder, keyring: Keyring, growing: wal.Growing
    ) -> None:
        self.growing = growing
        self._connection, self._folder, self._keyring = connection, folder, keyring
        self._asked = time.monotonic()
        self._aside = ThreadPoolExecutor(1, "full-pieces")

    def begin(self, server: Server, say: Callable[[str], None]) -> None:
        """Have the log sent from where we are on, or where the server threw that away, from where
        it is.
        """
        try:
            self._connection.receive(NAME, self.growing.end, server.timeline)
        except WalGone:
            say("backup_wal_missing: the server lacks what comes next; take a base backup now")
            name = segment_of(server.timeline, server.place)
            gone, self.growing = self.growing, wal.begin(self._folder, self._keyring, name)
            gone.close()
            self._connection.receive(NAME, self.growing.end, server.timeline)
        say(f"receiving from {lsn(self.growing.end)} on timeline {server.timeline}")

    def take(self, messages: list[Received]) -> None:
        """Write these, flush once for each piece, then answer."""
        for at, data in _joined(messages, self.growing.end):
            self._add(data, at)
        if messages and not messages[-1].data and messages[-1].place <= self.growing.end:
            with plainly():
                self.growing.quiet(messages[-1].at - _MOMENT)
        if any(one.data or one.wants_reply for one in messages):
            self._connection.tell(self.growing.end)
        elif time.monotonic() - self._asked > _QUIET.total_seconds():
            self._connection.tell(self.growing.end, ask=True)
            self._asked = time.monotonic()

    def _add(self, data: bytes, at: datetime) -> None:
        with plainly():
            while data:
                room = start_of(self.growing.name) + SEGMENT_BYTES - self.growing.end
                self.growing.add(data[:room], at)
                data = data[room:]
                if self.growing.end == start_of(self.growing.name) + SEGMENT_BYTES:
                    self._turn()

    def _turn(self) -> None:
        """Go on with the next piece; the full one is compressed aside: commits wait for us."""
        full = self.growing
        name = segment_of(timeline_of(full.name), full.end)
        self.growing = wal.begin(self._folder, self._keyring, name)
        self._aside.submit(_put_away, full)

    def close(self) -> None:
        """Nothing more is received; full pieces are put away."""
        self.growing.close()
        self._aside.shutdown()


def _put_away(full: wal.Growing) -> None:
    """A disk that is full leaves it as it is: it counts, and is put away at the next start."""
    with suppress(OSError):
        full.finish()
    full.close()


def _joined(messages: list[Received], place: int) -> list[tuple[datetime, bytes]]:
    """What follows on a place, as one run of bytes with the last instant."""
    data = b"".join(one.data for one in messages)
    if not data:
        return []
    first = next(one for one in messages if one.data)
    if first.place != place:
        raise BackupServerFailed(reason=f"{lsn(first.place)} came where {lsn(place)} was expected")
    return [(max(one.at for one in messages if one.data), data)]
