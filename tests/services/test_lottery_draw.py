"""The draw: void attempts, and that outsiders repeat it and find every forgery."""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.contracts.source import ROOT
from tests.make import World
from tests.services.fairs import Fair, a_fair
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.lotteries import drawing
from voucher_service.lotteries import service as lotteries
from voucher_service.lotteries.model import (
    CommitmentsMissing,
    ListChanged,
    Party,
    RevealNotOver,
    RevealTooLate,
    Status,
)


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    clock = Clock(World(core).now())
    return World(with_clock(core, clock))


@pytest.fixture
def fair(city: World) -> Fair:
    """Entries are open; two places, two on the waiting list, twelve vouchers from hour 5 on."""
    return a_fair(city)


def verify(folder: Path, *noted: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", ROOT / "tools" / "verify_lottery.py", folder, *noted],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_party_that_is_silent_voids_the_attempt_and_is_named(fair: Fair, tmp_path: Path) -> None:
    fair.enter(fair.world.residents(5))
    planner, lottery = fair.world.planner, fair.found.id
    promised = fair.commit()
    fair.close()
    fair.reveal(Party.FINANCE, promised[Party.FINANCE])
    with pytest.raises(RevealNotOver):
        lotteries.void(fair.core, actor=planner, lottery=lottery)
    fair.at(fair.terms.closes_at + timedelta(hours=24, seconds=1))
    with pytest.raises(RevealTooLate):
        fair.reveal(Party.AUDIT, promised[Party.AUDIT])
    void = lotteries.void(fair.core, actor=planner, lottery=lottery)
    assert (void.attempt, void.status, void.standing) == (2, Status.CLOSED, ())
    with pytest.raises(RevealNotOver):
        lotteries.void(fair.core, actor=planner, lottery=lottery)
    again = fair.commit(Party.FINANCE, Party.AUDIT)
    with pytest.raises(CommitmentsMissing):
        fair.reveal(Party.FINANCE, again[Party.FINANCE])
    again |= fair.commit(Party.BUREAU)
    for party, secret in again.items():
        drawn = fair.reveal(party, secret)
    assert (drawn.status, drawn.entries) == (Status.DRAWN, 5)
    first, second = json.loads(fair.files(tmp_path).joinpath("lottery.json").read_text())[
        "attempts"
    ]
    assert [one["party"] for one in first if one["secret"] is None] == ["audit", "bureau"]
    assert all(one["secret"] for one in second)
    assert verify(tmp_path, str(drawn.list_sha256))[0] == 0


def test_nothing_is_drawn_from_a_list_that_is_not_the_published_one(fair: Fair) -> None:
    fair.enter(fair.world.residents(3))
    promised = fair.commit()
    fair.close()
    with fair.core.transaction() as session:  # somebody with the database's password adds a friend
        session.execute(
            text(
                "INSERT INTO lottery_entry (lottery_id, leaf, entered_at)"
                " VALUES (:id, sha256('friend'), clock_timestamp())"
            ),
            {"id": fair.found.id},
        )
    (last, secret) = promised.popitem()
    for party, each in promised.items():
        fair.reveal(party, each)
    with pytest.raises(ListChanged):
        fair.reveal(last, secret)
    assert lotteries.lottery(fair.core, lottery=fair.found.id).seed is None


def test_an_outsider_repeats_the_draw_from_the_files_alone(fair: Fair, tmp_path: Path) -> None:
    fair.enter(fair.world.residents(9))
    drawn = fair.draw()
    code, said = verify(fair.files(tmp_path), str(drawn.list_sha256))
    assert (code, said.strip()) == (0, "agrees: 9 entries, 4 drawn, 2 seats")
    code, said = verify(tmp_path, "00" * 32)
    assert code == 1 and "not what you noted" in said


def test_the_script_is_short_and_needs_nothing_but_python() -> None:
    source = (ROOT / "tools" / "verify_lottery.py").read_text("utf-8")
    assert len(source.splitlines()) <= 100
    imported = re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)
    assert imported and set(imported) <= sys.stdlib_module_names


def test_one_changed_byte_anywhere_fails(fair: Fair, tmp_path: Path) -> None:
    fair.enter(fair.world.residents(4))
    fair.draw()
    fair.files(tmp_path)
    # In this process, since a file has thousands of bytes; the script is loaded by its path.
    import importlib.util

    spec = importlib.util.spec_from_file_location("verify", ROOT / "tools" / "verify_lottery.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.check(tmp_path, None)
    faults = (script.Differs, ValueError, KeyError, TypeError, IndexError, AttributeError)
    for name in ("lottery.json", "entries.csv", "result.csv"):
        whole = (tmp_path / name).read_bytes()
        for at in range(len(whole)):
            # Another character, the other case, any other byte; one less, one more.
            flips = (1, 0x20, random.randrange(1, 256))
            changed = [whole[:at] + bytes([whole[at] ^ one]) + whole[at + 1 :] for one in flips]
            shorter, longer = whole[:at] + whole[at + 1 :], whole[:at] + b"0" + whole[at:]
            ends = () if at else (whole + b"\n",)
            for wrong in (*changed, shorter, longer, *ends):
                (tmp_path / name).write_bytes(wrong)
                with pytest.raises(faults):
                    script.check(tmp_path, None)
        (tmp_path / name).write_bytes(whole)
    assert script.check(tmp_path, None)


def test_a_forged_winner_a_late_entrant_and_a_swapped_secret_are_named(
    fair: Fair, tmp_path: Path
) -> None:
    fair.enter(fair.world.residents(6))
    fair.draw()
    fair.files(tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    lines = files["result.csv"].split(b"\n")
    forged = {
        "result.csv is not": ("result.csv", files["result.csv"].replace(lines[1], lines[2])),
        "has 7 entries": (
            "entries.csv",
            b"\n".join(
                [b"leaf", *sorted([*files["entries.csv"].split(b"\n")[1:-1], b"0" * 64]), b""]
            ),
        ),
        "is not what it promised": ("lottery.json", _swapped(files["lottery.json"])),
        "no such file": ("entries.csv", None),
    }
    for words, (name, content) in forged.items():
        if content is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_bytes(content)
        code, said = verify(tmp_path)
        assert code == 1 and words in said.lower(), said
        (tmp_path / name).write_bytes(files[name])
    assert verify(tmp_path)[0] == 0


def _swapped(content: bytes) -> bytes:
    record = json.loads(content)
    record["attempts"][0][0]["secret"] = "11" * 32
    return drawing.text(record).encode()


def test_every_place_is_won_equally_often() -> None:
    """Chi-squared over 200 entrants and 4,000 draws of 20: 199 degrees of freedom, p > 0.001."""
    leaves = sorted(hashlib.sha256(bytes([one])).digest() for one in range(200))
    digest = drawing.list_hash(leaves)
    won = Counter(
        leaf
        for draw in range(4_000)
        for _, leaf in drawing.ranked(
            hashlib.sha256(draw.to_bytes(4, "big")).hexdigest(), digest, leaves, 20
        )
    )
    expected = 4_000 * 20 / 200
    assert sum((won[leaf] - expected) ** 2 / expected for leaf in leaves) < 267


def test_ninety_days_later_the_resident_is_forgotten_and_the_draw_still_checks(
    fair: Fair, tmp_path: Path
) -> None:
    resident = fair.world.resident()
    fair.enter([resident])
    fair.draw()
    fair.at(fair.terms.closes_at + timedelta(days=89))
    assert lotteries.forget(fair.core) == 0
    fair.at(fair.terms.closes_at + timedelta(days=91))
    while lotteries.forget(fair.core):
        pass
    with pytest.raises(NoSuchThing):
        lotteries.my_entry(fair.core, actor=resident, lottery=fair.found.id)
    assert verify(fair.files(tmp_path))[0] == 0
