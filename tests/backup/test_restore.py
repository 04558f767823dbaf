"""A database is lost with its disk while the log is received: what comes back, what is refused."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from tests.faults.killable import core_on, servers_in
from voucher_service.backup import receiving, service, taking
from voucher_service.backup.folder import MANIFEST, TAR, Folder
from voucher_service.backup.model import (
    BackupDamaged,
    BackupFolderFailed,
    BackupNotFound,
    BackupSchemaNewer,
    BackupSecretsMissing,
    BackupServerDiffers,
    BackupWrongKey,
    InstantUnreachable,
    Manifest,
    RestoreTargetInUse,
    WalMissing,
)
from voucher_service.infra.core import Core
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.processes import sweep
from voucher_service.infra.embedded.servers import DATABASE
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import TryAgain
from voucher_service.recovery import crowd, planning
from voucher_service.recovery.restoring import restore
from voucher_service.vouchers import service as vouchers


@dataclass
class Lost:
    """What is left: backups, and what residents were told. `middle` lies between two claims."""

    folder: Folder
    manifest: Manifest
    keyring: Keyring
    told: list[str]
    middle: datetime
    heads: Path
    refused_alone: bool
    looks_without_receiver: list[int]


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Lost:
    place = tmp_path_factory.mktemp("lost")
    folder, stopping, heads = Folder(place / "backups"), threading.Event(), place / "heads.txt"
    with servers_in(place / "data") as servers:
        url = servers.url(DATABASE, postgres.SUPERUSER)
        with core_on(servers, VOUCHER__PROOF__FILE=str(heads)) as core:
            receiver = threading.Thread(
                target=receiving.receive,
                args=(url, folder, core.keyring),
                kwargs={"asked_to_stop": stopping.is_set, "say": lambda _: None},
            )
            receiver.start()
            people = crowd.found(core, 20)
            told = [claimed(core, one, "first") for one in people]
            made = taking.take(core, url, folder, say=lambda _: None)
            assert taking.verify(folder, core.keyring, made).unpacked > 100
            service.note(core, folder, made)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'voucher_backup'")
                connection.execute("SELECT pg_reload_conf()")
                told += [claimed(core, one, "second") for one in people]
                connection.execute("SELECT pg_switch_wal()")
                middle = datetime.now(UTC)
                told += [claimed(core, one, "third") for one in people]
                connection.execute("SELECT pg_switch_wal()")
                told += [claimed(core, one, "fourth") for one in people]
            keyring = core.keyring
            stopping.set()
            receiver.join()
            alone = refused_alone(core, url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
                connection.execute("SELECT pg_reload_conf()")
            watch = service.Watch()
            looks = [watch(core), watch(core)]
        sweep(servers.data, grace_seconds=0)
        shutil.rmtree(servers.data / DATABASE)
    return Lost(folder, made, keyring, told, middle, heads, alone, looks)


def refused_alone(core: Core, url: str) -> bool:
    """Whether a commit that no receiver has is called unknown when somebody cancels its waiting."""
    cancelling = threading.Thread(target=cancel_waiting, args=(url,))
    cancelling.start()
    try:
        with core.transaction() as session:
            session.execute(text("INSERT INTO backup VALUES ('alone', '', now(), 1)"))
    except TryAgain:
        return True
    finally:
        cancelling.join()
    return False


def cancel_waiting(url: str) -> None:
    waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute(waiting).fetchall():
            time.sleep(0.02)


def claimed(core: Core, who: crowd.Resident, key: str) -> str:
    actor = Actor(ActorKind.RESIDENT, who.id)
    done = vouchers.claim(core, actor=actor, offer=crowd.prepare_gate(core), key=key)
    return str(done.value.id)


@pytest.fixture
def copy(lost: Lost, tmp_path: Path) -> Folder:
    """The backups, to be broken."""
    return Folder(Path(shutil.copytree(lost.folder.path, tmp_path / "copy")))


def test_every_promise_is_in_the_restored_books_and_claims_go_on(
    lost: Lost, tmp_path: Path
) -> None:
    found: dict[str, int] = {}

    def also(core: Core) -> None:
        with core.transaction() as session:
            held = set(session.scalars(text("SELECT id::text FROM voucher")))
            found["lost"] = len(set(lost.told) - held)
            (resident,) = session.scalars(text("SELECT resident_id FROM voucher LIMIT 1"))
        claimed(core, crowd.Resident(resident, ""), "after")

    environ = {"VOUCHER__DATABASE__URL": "postgresql://still.in.use/voucher"}
    report = restore(
        lost.folder.path,
        tmp_path / "restored",
        heads=lost.heads,
        say=lambda _: None,
        also=also,
        environ=environ,
    )
    assert (report.violations, report.missing_entries, found) == ([], 0, {"lost": 0})
    assert report.last_claim == lost.told[-1]
    told = json.loads((tmp_path / "restored" / "restore-report.json").read_text("utf-8"))
    assert told["clean"]
    assert {"unpacked", "recovered", "gates filled", "verified", "log checked"} <= set(
        told["seconds"]
    )


def test_a_commit_that_no_receiver_has_is_never_acknowledged(lost: Lost) -> None:
    assert lost.refused_alone


def test_a_receiver_that_stays_away_is_an_alarm(lost: Lost) -> None:
    assert lost.looks_without_receiver == [0, 1]


def test_the_instants_within_reach_are_told(lost: Lost) -> None:
    def plan(at: datetime | None) -> planning.Plan:
        return planning.plan(lost.folder, lost.keyring, at=at)

    reaches = plan(None).reaches
    assert len(plan(lost.middle).segments) <= len(plan(None).segments)
    for at in (reaches + timedelta(minutes=1), datetime.now(UTC) + timedelta(hours=1)):
        with pytest.raises(InstantUnreachable) as refused:
            plan(at)
        assert refused.value.extra["until"] == reaches
    with pytest.raises(BackupNotFound):
        plan(lost.manifest.ended_at - timedelta(seconds=1))


def test_a_missing_piece_of_the_log_is_refused_with_what_is_left(lost: Lost, copy: Folder) -> None:
    second = [one for one in copy.segments() if len(one) == 24][-1]
    (copy.wal / second).unlink()
    with pytest.raises(WalMissing) as refused:
        planning.plan(copy, lost.keyring, at=None)
    assert refused.value.params["segment"] == second
    until = refused.value.extra["until"]
    assert planning.plan(copy, lost.keyring, at=until).at == until


def test_a_wrong_key_and_missing_secrets_are_refused(lost: Lost, tmp_path: Path) -> None:
    for setting, refusal in (
        ("BACKUP_KEYS", BackupWrongKey),
        ("FIELD_KEYS", BackupSecretsMissing),
        ("LEDGER_KEYS", BackupSecretsMissing),
    ):
        environ = {f"VOUCHER__SECRETS__{setting}": "1:another"}
        with pytest.raises(refusal):
            restore(lost.folder.path, tmp_path / "new", say=lambda _: None, environ=environ)
        assert not (tmp_path / "new").exists()


def test_a_torn_or_changed_file_leaves_no_target(lost: Lost, copy: Folder, tmp_path: Path) -> None:
    tar = copy.base / lost.manifest.name / TAR
    os.truncate(tar, tar.stat().st_size // 2)
    with pytest.raises(BackupDamaged):
        taking.verify(copy, lost.keyring, lost.manifest)
    with pytest.raises(BackupDamaged):
        restore(copy.path, tmp_path / "new", say=lambda _: None, environ={})
    assert not (tmp_path / "new").exists()
    manifest = copy.base / lost.manifest.name / MANIFEST
    manifest.write_text(manifest.read_text("utf-8").replace('"timeline": 1', '"timeline": 2'))
    with pytest.raises(BackupDamaged):
        taking.newest(copy, lost.keyring)


def test_what_this_release_cannot_open_is_refused(lost: Lost, copy: Folder) -> None:
    for other, refusal in (
        (replace(lost.manifest, schema="9999"), BackupSchemaNewer),
        (replace(lost.manifest, server_version=190001), BackupServerDiffers),
    ):
        taking.finish(copy, lost.keyring, other)
        with pytest.raises(refusal):
            planning.plan(copy, lost.keyring, at=None)


def test_a_directory_that_holds_something_is_left_alone(lost: Lost, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", "utf-8")
    with pytest.raises(RestoreTargetInUse):
        restore(lost.folder.path, tmp_path, say=lambda _: None, environ={})
    assert (tmp_path / "mine").read_text("utf-8") == "mine"


def test_half_a_backup_is_never_taken_for_whole_and_the_last_stays(
    lost: Lost, copy: Folder
) -> None:
    half = copy.base / "20990101T000000Z-dead"
    half.mkdir()
    (half / TAR).write_bytes(b"half")
    assert taking.newest(copy, lost.keyring).name == lost.manifest.name
    assert taking.retain(copy, lost.keyring, keep=1) == []
    assert copy.names() == [lost.manifest.name]
    assert copy.remove_halves() == [half.name]


def test_a_folder_that_cannot_be_written_is_said(copy: Folder) -> None:
    (copy.path / "file").write_text("no folder", "utf-8")
    with pytest.raises(BackupFolderFailed):
        Folder(copy.path / "file" / "backups").prepare()
