"""What is known of the backups in the database itself: noted when they are taken, and watched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select, text

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.infra.core import Core

from .folder import Folder
from .model import Manifest, Standing
from .receiving import NAME
from .tables import BackupRow

# The alarms: no base backup ever, or for too long; a receiver that is away, slow, or too late.
NEVER, OLD, AWAY, BEHIND, LOST = "never", "old", "away", "behind", "lost"
_MOST_BEHIND_BYTES = 1 << 30


def note(core: Core, folder: Folder, made: Manifest) -> None:
    """Remember that a backup was taken and read back."""
    with core.transaction() as session:
        session.add(
            BackupRow(
                name=made.name,
                folder=str(folder.path),
                ended_at=made.ended_at,
                sealed_bytes=sum(size for size, _ in made.files.values()),
            )
        )


def standing(core: Core) -> Standing:
    """How the backups stand."""
    with core.transaction() as session:
        last = session.scalar(select(func.max(BackupRow.ended_at)))
        slot = session.execute(
            text(
                "SELECT active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint"
                " FROM pg_replication_slots WHERE slot_name = :name"
            ),
            {"name": NAME},
        ).one_or_none()
        return Standing(
            age=core.now(session) - last if last else None,
            receiving=None if slot is None else slot[0],
            behind_bytes=None if slot is None else slot[1],
        )


class Watch:
    """Settles the alarms about backups. A receiver that is away counts at the second look."""

    def __init__(self) -> None:
        self._away = False

    def __call__(self, core: Core) -> int:
        """One look; how many things are wrong."""
        found = standing(core)
        broken = {(Kind.BACKUP, about): facts for about, facts in self._broken(core, found)}
        self._away = found.receiving is False
        with core.transaction() as session:
            now = core.now(session)
            alarms.settle(session, kinds=(Kind.BACKUP,), broken=broken, now=now)
        return len(broken)

    def _broken(self, core: Core, found: Standing) -> Iterator[tuple[str, dict[str, int]]]:
        if hours := core.settings.database.backup_hours:
            if found.age is None:
                yield NEVER, {}
            elif found.age > timedelta(hours=hours):
                yield OLD, {"hours": found.age // timedelta(hours=1)}
        if found.receiving is False and self._away:
            yield AWAY, {}
        if found.receiving is not None and found.behind_bytes is None:
            yield LOST, {}  # the server gave the slot up: what was written since is not kept
        elif (found.behind_bytes or 0) > _MOST_BEHIND_BYTES:
            yield BEHIND, {"mebibytes": (found.behind_bytes or 0) >> 20}
