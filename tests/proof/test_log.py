"""What was recorded and moved is sealed whole, in order, and an outsider finds every change."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import psycopg
import pytest
from sqlalchemy import make_url, text

from tests.make import World
from tests.proof import tamper
from voucher_service.infra.core import Core, build
from voucher_service.proof import notes, service, tree
from voucher_service.proof.entry import Kind
from voucher_service.proof.model import NotSealed, SizeUnknown
from voucher_service.reports import deliver

VERIFY = Path(__file__).parents[2] / "tools" / "verify_log.py"
WAYS = ("alter", "delete", "insert", "swap", "truncate", "fork")


def sealed(core: Core) -> int:
    """Seal everything; how many leaves there are."""
    while service.seal(core):
        pass
    return service.state(core).size


def rows(core: Core) -> int:
    """How many rows there are to seal."""
    with core.transaction() as session:
        statement = "SELECT (SELECT count(*) FROM audit.event) + (SELECT count(*) FROM {})"
        return int(session.execute(text(statement.format("ledger.transfer"))).scalar_one())


def spend(world: World, count: int = 3) -> None:
    """Something happens."""
    offer = world.offer(world.plan(quota=count))
    for one in world.residents(count):
        world.claim(offer, one)


def verify(folder: Path, *noted: str) -> tuple[int, str]:
    """What the outsider's script says."""
    done = subprocess.run(
        [sys.executable, str(VERIFY), str(folder), *noted],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


def test_every_row_is_sealed_once_whatever_the_window(core: Core, world: World) -> None:
    spend(world)
    assert sealed(core) == rows(core)
    spend(world)
    while service.seal(core, window=3):
        pass
    assert service.state(core).size == rows(core)
    assert service.seal(core) == 0


def test_a_late_commit_is_sealed_with_those_after_it(core: Core, world: World) -> None:
    sealed(core)
    url = make_url(core.settings.database.url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as slow:
        slow.execute(
            "INSERT INTO audit.event (actor, action, object_type, object_id, occurred_at)"
            " VALUES ('system', 'late', 'test', 'late', now())"
        )
        spend(world)
        before = sealed(core)
        assert before < rows(core)
        slow.commit()
    assert sealed(core) == rows(core)


def test_a_head_is_signed_and_each_leaf_is_proven_in_it(core: Core, world: World) -> None:
    spend(world)
    size = sealed(core)
    first = service.publish(core)
    assert service.publish(core) == first
    (who,) = service.verifiers(core)
    head = notes.opened(first.note, who)
    assert (head.size, head.root) == (size, first.root)
    with core.transaction() as session:
        last = session.execute(text("SELECT max(id) FROM ledger.transfer")).scalar_one()
    proof = service.inclusion(core, kind=Kind.TRANSFER, number=last)
    leaf = tree.leaf_hash(proof.line.encode())
    assert tree.included(leaf, proof.index, proof.size, proof.path, head.root)
    spend(world)
    grown = sealed(core)
    second = service.publish(core)
    shown = service.consistency(core, old=size, new=grown)
    assert tree.consistent(size, grown, first.root, second.root, shown.path)
    with pytest.raises(NotSealed):
        service.inclusion(core, kind=Kind.TRANSFER, number=last + 1_000_000)
    with pytest.raises(SizeUnknown):
        service.consistency(core, old=size, new=grown + 1)


def test_nobody_is_named_and_a_forgotten_salt_breaks_nothing(
    core: Core, world: World, tmp_path: Path
) -> None:
    offer = world.offer(world.plan(quota=1))
    resident = world.resident()
    world.claim(offer, resident)
    sealed(core)
    service.export(core, folder=tmp_path / "log")
    exported = (tmp_path / "log" / "entries.csv").read_text("utf-8")
    assert str(resident.id) not in exported
    with core.transaction() as session:
        assert service.forget(session, kind="resident", ids=[str(resident.id)]) == 1
    assert service.differences(core, most=20) == []
    service.export(core, folder=tmp_path / "again")
    assert (tmp_path / "again" / "entries.csv").read_text("utf-8") == exported
    assert verify(tmp_path / "again")[0] == 0


@pytest.fixture(scope="module")
def exported(core: Core, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    spend(world)
    sealed(core)
    service.publish(core)
    spend(world)
    sealed(core)
    folder = tmp_path_factory.mktemp("log") / "log"
    assert service.export(core, folder=folder) == service.state(core).size
    return folder


def test_the_script_agrees_and_says_how_many(core: Core, exported: Path) -> None:
    code, told = verify(exported)
    assert code == 0, told
    assert told.startswith(f"{service.state(core).size} entries agree")
    assert len(VERIFY.read_text("utf-8").splitlines()) <= 300


@pytest.mark.parametrize("way", WAYS[:-1])
@pytest.mark.parametrize("seed", range(4))
def test_the_first_wrong_entry_is_named(
    exported: Path, tmp_path: Path, way: str, seed: int
) -> None:
    for file in exported.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    header, *lines = (exported / "entries.csv").read_text("utf-8").splitlines()
    at = Random(seed).randrange(len(lines) - 1)
    if way == "alter":
        lines[at] = lines[at].replace("2", "3")
    elif way == "delete":
        del lines[at]
    elif way == "insert":
        lines.insert(at, lines[at - 1])
    elif way == "swap":
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    else:
        del lines[at:]
    (tmp_path / "entries.csv").write_text("\n".join([header, *lines]) + "\n", "utf-8")
    code, told = verify(tmp_path)
    assert (code, told.partition(":")[0]) == (1, str(at))


def test_each_of_six_ways_is_found_at_its_index() -> None:
    done, missed = tamper.campaign(48, 3, each=True)
    assert missed == []
    assert set(done.values()) == {48}


def test_a_noted_head_that_is_not_of_this_log_is_a_fork(exported: Path, core: Core) -> None:
    newest = service.checkpoints(core, limit=1)[0]
    lines = newest.note.splitlines()
    assert verify(exported, lines[1], lines[2])[0] == 0
    another = "A" + lines[2][1:] if lines[2][0] != "A" else "B" + lines[2][1:]
    code, told = verify(exported, lines[1], another)
    assert (code, told.partition(":")[0]) == (1, lines[1])


def test_a_new_key_signs_the_next_head_of_the_same_log(
    core: Core, world: World, tmp_path: Path
) -> None:
    spend(world)
    sealed(core)
    before = service.publish(core)
    (old,) = service.verifiers(core)
    keys = core.settings.secrets.log_keys
    number = max(int(one.partition(":")[0]) for one in keys.split(",")) + 1
    renewed = f"{number}:a-newer-key,{keys}"
    secrets = replace(core.settings.secrets, log_keys=renewed)
    rotated = build(replace(core.settings, secrets=secrets))
    try:
        spend(world)
        sealed(rotated)
        after = service.publish(rotated)
        new, kept = service.verifiers(rotated)
        assert kept == old
        assert notes.opened(before.note, old).size < notes.opened(after.note, new).size
        service.export(rotated, folder=tmp_path / "log")
        assert verify(tmp_path / "log")[0] == 0
    finally:
        rotated.close()


def test_a_report_that_is_handed_out_carries_the_head_published_with_it(
    core: Core, world: World
) -> None:
    programme = world.programme()
    sealed(core)
    told = deliver.leverage(
        core,
        programme=programme.slug,
        group_by="campaign",
        basis="period",
        format_="json",
        locale="en",
    )
    newest = service.checkpoints(core, limit=1)[0]
    assert newest.size == service.state(core).size
    assert json.loads(told)["sealed"] == {"size": newest.size, "root": newest.fingerprint}
