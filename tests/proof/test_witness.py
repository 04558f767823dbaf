"""A witness signs what continues the last head it signed, and nothing else; the log says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.faces.admin_desk import Desk
from tests.make import World
from tests.proof.test_log import sealed, spend, verify
from voucher_service.alarms.model import Kind
from voucher_service.alarms.tables import AlarmRow
from voucher_service.infra.core import Core, build
from voucher_service.kernel.actor import Role
from voucher_service.proof import notes, service, tree
from voucher_service.proof.notes import Head, Verifier
from voucher_service.proof.service import watching
from voucher_service.proof.witness import Offer, Witness, key_in, serve
from voucher_service.serving import witness as directory

ORIGIN, NAME = "city.example/vouchers", "audit.example/witness"
NOW = datetime(2026, 9, 23, 4, 0, tzinfo=UTC)
LEAVES = [tree.leaf_hash(str(one).encode()) for one in range(40)]


@pytest.fixture
def log_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def witness(log_key: Ed25519PrivateKey, tmp_path: Path) -> Witness:
    log = notes.verifier(ORIGIN, log_key)
    return Witness(NAME, key_in(tmp_path / "key"), log, tmp_path / "last")


def offered(key: Ed25519PrivateKey, old: int, new: int, *, other: bool = False) -> str:
    """A head of the first leaves; `other`: of another history that was longer."""
    leaves = [*LEAVES[:3], *reversed(LEAVES[3:])] if other else LEAVES

    def subtree(level: int, index: int) -> bytes:
        return tree.complete_root(leaves[index << level : (index + 1) << level])

    note = notes.signed(Head(ORIGIN, new, tree.head(new, subtree)), key)
    return str(
        Offer(old, tuple(tree.consistency(old, new, subtree)) if 0 < old <= new else (), note)
    )


def test_a_head_that_continues_the_last_is_signed(
    witness: Witness, log_key: Ed25519PrivateKey
) -> None:
    who = notes.verifier(NAME, witness.key, cosigns=True)
    for old, new in ((0, 7), (7, 8), (8, 8), (8, 40)):
        text = offered(log_key, old, new)
        answer = witness.add(text, NOW)
        assert answer.status == 200, answer
        note = text.partition("\n\n")[2] + answer.text
        assert notes.witnessed_at(note, who) == NOW
        assert witness.last().size == new


def test_another_history_an_older_head_and_a_stranger_are_refused(
    witness: Witness, log_key: Ed25519PrivateKey
) -> None:
    assert witness.add(offered(log_key, 0, 9), NOW).status == 200
    assert witness.add(offered(log_key, 9, 20, other=True), NOW).status == 422
    assert witness.add(offered(log_key, 9, 9, other=True), NOW).status == 409
    conflict = witness.add(offered(log_key, 0, 20), NOW)
    assert (conflict.status, conflict.text, conflict.type) == (409, "9\n", "text/x.tlog.size")
    assert witness.add(offered(log_key, 9, 7), NOW).status == 400
    assert witness.add(offered(Ed25519PrivateKey.generate(), 9, 20), NOW).status == 403
    assert witness.add("old nine\n\n", NOW).status == 403
    assert witness.last().size == 9


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "key"
    first = key_in(file)
    assert key_in(file).private_bytes_raw() == first.private_bytes_raw()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def standing(core: Core, tmp_path: Path) -> Iterator[tuple[Core, Witness]]:
    """A log with a witness that answers over HTTP."""
    (log,) = service.verifiers(core)
    witness = Witness(NAME, key_in(tmp_path / "key"), log, tmp_path / "last")
    with serve(witness, 0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        proof = replace(
            core.settings.proof,
            witness_url=f"http://127.0.0.1:{server.server_address[1]}",
            witness_key=str(notes.verifier(NAME, witness.key, cosigns=True)),
            file=str(tmp_path / "checkpoints.txt"),
        )
        made = build(replace(core.settings, proof=proof))
        yield made, witness
        server.shutdown()
        made.close()


def open_alarms(core: Core) -> set[str]:
    """What is wrong with the log."""
    with core.transaction() as session:
        rows = session.query(AlarmRow).filter_by(kind=Kind.LOG, cleared_at=None)
        return {row.subject for row in rows}


def test_a_cosignature_is_published_and_a_refusal_is_an_alarm(
    standing: tuple[Core, Witness], world: World, tmp_path: Path
) -> None:
    core, witness = standing
    spend(world)
    size = sealed(core)
    head = service.publish(core)
    assert (tmp_path / "checkpoints.txt").read_text("utf-8") == head.note + "\n"
    assert service.watch(core) == 0
    who: Verifier = service.verifiers(core)[-1]
    (found,) = service.checkpoints(core, limit=1)
    assert notes.witnessed_at(found.note, who) is not None
    assert service.health(core).witnessed == size
    service.export(core, folder=tmp_path / "log")
    assert verify(tmp_path / "log")[0] == 0
    assert service.offer(core) is False
    # Somebody showed the witness another history.
    witness.file.write_text('{"size": 1, "root": "' + "A" * 43 + '="}', "ascii")
    spend(world)
    sealed(core)
    service.publish(core)
    assert service.watch(core) == 1
    assert open_alarms(core) == {"witness"}
    witness.file.unlink()
    assert service.watch(core) == 0
    assert open_alarms(core) == set()


def test_the_witness_of_a_data_directory_is_a_process_that_cosigns(
    core: Core, world: World, tmp_path: Path
) -> None:
    environ = {**os.environ, "VOUCHER_ENV": "test"}
    (child,) = directory.witness(tmp_path, environ)
    told = directory.environment(tmp_path)
    proof = replace(
        core.settings.proof,
        witness_url=told["VOUCHER__PROOF__WITNESS_URL"],
        witness_key=told["VOUCHER__PROOF__WITNESS_KEY"],
    )
    standing = build(replace(core.settings, proof=proof))
    spend(world)
    sealed(core)
    service.publish(core)
    child.start()
    try:
        child.wait_until(lambda: "witness_url" in child.last_words(), 30)
        assert service.watch(standing) == 0
        assert service.health(standing).witnessed == service.state(core).size
        assert (tmp_path / "witness" / "last.json").exists()
    finally:
        child.stop()
        standing.close()
    elsewhere = environ | {"VOUCHER__PROOF__WITNESS_URL": "http://audit.example"}
    assert directory.witness(tmp_path, elsewhere) == []
    assert directory.environment(tmp_path) == {}


def test_rows_that_wait_for_long_are_an_alarm_until_they_are_sealed(
    core: Core, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(world)
    assert service.health(core).behind > timedelta()
    assert service.watch(core) == 0
    monkeypatch.setattr(watching, "LATE", timedelta(microseconds=1))
    assert service.watch(core) == 1
    assert open_alarms(core) == {"sealing"}
    sealed(core)
    monkeypatch.undo()
    assert service.watch(core) == 0
    assert open_alarms(core) == set()


def test_the_page_of_the_log_is_for_finance_and_auditors(world: World) -> None:
    spend(world)
    sealed(world.core)
    head = service.publish(world.core)
    desk = Desk(world)
    for role in (Role.FINANCE, Role.AUDITOR):
        page = desk.browser(world.staff(role)).get("/log")
        assert page.status_code == 200
        assert head.fingerprint in page.text
    assert desk.browser(world.planner).get("/log").status_code == 403
