"""The restore drill: serve, copy, claim on, lose everything, restore, and compare with the claims.

What it looks for is written by those who claimed, not by the server: every voucher they were
promised must be in the restored books.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import text

from voucher_service import settings as settings_module
from voucher_service.backup import taking
from voucher_service.backup.folder import Folder
from voucher_service.backup.model import BackupWrongKey, WalMissing
from voucher_service.i18n import sentence
from voucher_service.infra import core as core_module
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import DomainError
from voucher_service.proof import service as proof
from voucher_service.vouchers import service as vouchers

from . import crowd
from .crowd import Claimed, Crowd, Resident
from .report import Report
from .restoring import alone, restore
from .stand import Stand, standing

_THREADS = 24
_SECONDS_A_CLAIM = 0.1
_OTHER_KEY = "1:drill-only-another-backup-key"


class Mode(StrEnum):
    """How the log leaves the server: waited for, a moment behind, or not at all."""

    SYNC = "sync"
    ASYNC = "async"
    NONE = "none"


class Variant(StrEnum):
    """What is lost besides, or wanted instead of the latest."""

    LATEST = "latest"
    DAY_OLD = "day-old"
    MISSING_WAL = "missing-wal"
    WRONG_KEY = "wrong-key"
    TO_INSTANT = "to-instant"


@dataclass
class Outcome:
    """What came of a drill. `lost`: promises that are not in the restored books, out of those that
    count; `lost_seconds`: how long before the loss the first of them was given.
    """

    promised: int = 0
    counted: int = 0
    lost: int = 0
    lost_seconds: float = 0.0
    too_many: int = 0
    report: Report | None = None
    refused: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        told = [str(self.report)] if self.report else []
        told += [f"refused, as it should be: {one}" for one in self.refused]
        told.append(
            f"promised {self.promised:,}, looked for {self.counted:,}, lost {self.lost:,}"
            + (f" of the last {self.lost_seconds:.3f} s" if self.lost else "")
        )
        return told + [f"FAILED  {one}" for one in self.failed]


@dataclass
class _Lost:
    """What is left when everything is gone."""

    backups: Folder
    promises: list[Claimed]
    at: datetime
    middle: datetime
    heads: Path
    residents: list[Resident]


def hold(
    place: Path,
    *,
    claims: int,
    mode: Mode,
    variant: Variant,
    say: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> Outcome:
    """Hold a drill in a new folder; what is wrong stands in `Outcome.failed`."""
    environ = alone(environ)
    lost = _until_the_loss(place, claims, mode, variant, say, environ)
    outcome = Outcome(promised=len(lost.promises))
    say(f"everything is lost, {outcome.promised:,} vouchers were promised; restoring")
    at = _broken(place, lost, variant, outcome, environ)
    target = place / "restored"

    def also(core: Core) -> None:
        _compare(core, lost, at, outcome)
        _claim_again(core, lost, outcome)

    outcome.report = restore(
        lost.backups.path,
        target,
        at=at,
        heads=lost.heads,
        say=say,
        also=also,
        environ=environ,
    )
    outcome.failed += outcome.report.violations
    _judge(outcome, mode, at)
    return outcome


def _until_the_loss(
    place: Path,
    claims: int,
    mode: Mode,
    variant: Variant,
    say: Callable[[str], None],
    environ: Mapping[str, str],
) -> _Lost:
    backups, data, journal = Folder(place / "backups"), place / "data", place / "journals"
    journal.mkdir(parents=True)
    with standing(data, backups, environ) as stand:
        core = core_module.build(settings_module.load(stand.environment))
        residents = crowd.found(core, claims)
        crowd.prepare_gate(core)
        if mode is not Mode.NONE:
            stand.receive(synchronous=mode is Mode.SYNC)
        stand.serve()
        people = Crowd(residents, stand.port, journal, _THREADS)
        before = 0 if variant is Variant.DAY_OLD else claims // 4
        if not before:
            _back_up(core, stand, backups, say)
        people.start()
        if before:
            people.wait(before, _patience(claims))
            _back_up(core, stand, backups, say)
        people.wait(claims // 2, _patience(claims))
        stand.new_segment()
        middle = datetime.now(UTC)
        people.wait(claims * 3 // 4, _patience(claims))
        stand.new_segment()
        proof.seal(core)
        proof.publish(core)
        told = people.wait(claims, _patience(claims))
        stand.lose()
        at = datetime.now(UTC)
        people.stop()
        core.close()
        say(f"{told:,} vouchers promised by then")
    heads = place / "checkpoints.txt"
    shutil.move(data / "checkpoints.txt", heads)
    shutil.rmtree(data)
    return _Lost(backups, crowd.journals(journal), at, middle, heads, residents)


def _back_up(core: Core, stand: Stand, backups: Folder, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    made = taking.take(core, stand.url, backups, say=say)
    taken = time.monotonic()
    taking.verify(backups, core.keyring, made)
    say(
        f"base backup of {made.unpacked_bytes / 1e6:,.0f} MB in {taken - began:.1f} s, "
        f"read back in {time.monotonic() - taken:.1f} s"
    )


def _broken(
    place: Path, lost: _Lost, variant: Variant, outcome: Outcome, environ: Mapping[str, str]
) -> datetime | None:
    """Break what the variant breaks and see it refused; the instant to restore to."""
    if variant is Variant.TO_INSTANT:
        return lost.middle
    if variant is Variant.WRONG_KEY:
        other = {**environ, "VOUCHER__SECRETS__BACKUP_KEYS": _OTHER_KEY}
        try:
            restore(lost.backups.path, place / "refused", say=_nothing, environ=other)
        except BackupWrongKey as error:
            outcome.refused.append(_told(error))
        else:
            outcome.failed.append("a wrong key was not refused")
    if variant is Variant.MISSING_WAL:
        whole = [one for one in lost.backups.segments() if len(one) == len("0" * 24)]
        (lost.backups.wal / whole[-1]).unlink()
        try:
            restore(lost.backups.path, place / "refused", say=_nothing, environ=environ)
        except WalMissing as error:
            outcome.refused.append(_told(error))
            until: datetime = error.extra["until"]
            return until
        outcome.failed.append("a missing piece of the log was not refused")
    return None


def _compare(core: Core, lost: _Lost, at: datetime | None, outcome: Outcome) -> None:
    """Every promise up to the instant is kept; nothing asked for after it is there."""
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        rows = session.execute(text("SELECT id::text, resident_id::text FROM voucher")).all()
    held: dict[str, str] = {row[0]: row[1] for row in rows}
    counted = [one for one in lost.promises if at is None or one.told_at <= at]
    missing = [one for one in counted if held.get(one.voucher) != one.resident]
    outcome.counted, outcome.lost = len(counted), len(missing)
    if missing:
        outcome.lost_seconds = (lost.at - missing[0].told_at).total_seconds()
    if at is not None:
        outcome.too_many = sum(one.asked_at > at and one.voucher in held for one in lost.promises)


def _claim_again(core: Core, lost: _Lost, outcome: Outcome) -> None:
    """The restored books and their gate give a voucher out."""
    who = Actor(ActorKind.RESIDENT, lost.residents[-1].id)
    try:
        vouchers.claim(core, actor=who, offer=crowd.prepare_gate(core), key="after the restore")
    except DomainError as error:
        outcome.failed.append(f"nothing can be claimed from the restored books: {error.code}")


def _judge(outcome: Outcome, mode: Mode, at: datetime | None) -> None:
    assert outcome.report is not None
    if not outcome.promised:
        outcome.failed.append("nothing was promised: nothing is proved")
    if outcome.lost and (mode is Mode.SYNC or at is not None):
        outcome.failed.append(f"{outcome.lost} promises are not in the restored books")
    if outcome.too_many:
        outcome.failed.append(f"{outcome.too_many} vouchers were claimed after the instant")
    if outcome.report.missing_entries and mode is Mode.SYNC and at is None:
        outcome.failed.append("the restored log is shorter than a published head")


def _patience(claims: int) -> float:
    return 60 + claims * _SECONDS_A_CLAIM


def _told(error: BackupWrongKey | WalMissing) -> str:
    return f"{sentence(error, 'en')} [{error.code}]"


def _nothing(_line: str) -> None:
    pass
