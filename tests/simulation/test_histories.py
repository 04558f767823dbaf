"""Claims under faults on simulated servers: no promise is broken, and each protection counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from voucher_service.cli import main
from voucher_service.simulation.cells import NAMES as STEPS
from voucher_service.simulation.history import play
from voucher_service.simulation.keyspace import Keyspace, UnknownCommandError
from voucher_service.simulation.mutants import caught, failing
from voucher_service.simulation.protections import NAMES
from voucher_service.simulation.sweep import sweep

KEPT = Path(__file__).parent / "seeds.txt"
SEEDS = range(10_000, 10_200)
# Another layer covers these alone; `voucher simulate --mutants` shows them in pairs.
COVERED = {"unique_ordinal", "fence", "fenced_rebuild", "waits_for_outcome"}


def kept() -> list[int]:
    """Seeds that failed once."""
    lines = KEPT.read_text("utf-8").splitlines()
    return [int(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("seed", kept())
def test_a_history_that_once_broke_a_promise_keeps_it(seed: int) -> None:
    assert play(seed).violations == []


def test_no_history_breaks_a_promise_and_every_step_is_counted() -> None:
    found = sweep(SEEDS)
    assert found.failed == {}
    assert found.steps.keys() <= STEPS
    assert found.cells.total() > len(SEEDS)


@pytest.mark.parametrize("name", [one for one in NAMES if one not in COVERED])
def test_a_protection_that_is_taken_away_is_missed(name: str) -> None:
    assert caught([name], range(200)) is not None


@pytest.mark.parametrize("other", ["fence", "fenced_rebuild", "waits_for_outcome"])
def test_what_one_index_covers_is_missed_with_it(other: str) -> None:
    seeds = range(80)
    assert failing([other], seeds) == 0
    assert failing([other, "unique_slot"], seeds) > 0


def test_the_same_seed_is_the_same_history_in_another_process() -> None:
    code = (
        "from voucher_service.simulation.history import play; "
        "[print(end.steps, end.cells) for end in map(play, range(20))]"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": str(salt), "PATH": "/usr/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for salt in (1, 2)
    ]
    assert told[0] == told[1]
    assert told[0]


def test_a_command_that_the_simulated_gate_does_not_know_is_an_error() -> None:
    with pytest.raises(UnknownCommandError):
        Keyspace(lambda: 0).script("return redis.call('GETDEL', KEYS[1])", ["k"], [])


def test_the_command_says_what_it_played_and_keeps_the_seeds_that_failed(tmp_path: Path) -> None:
    told = CliRunner().invoke(
        main, ["simulate", "--seeds", "20", "--processes", "1", "--data", str(tmp_path)]
    )
    assert told.exit_code == 0, told.output
    assert "20 histories" in told.output
    assert "cells hit" in told.output
    assert not (tmp_path / "failed-seeds.txt").exists()
    noticed = CliRunner().invoke(
        main, ["simulate", "--seeds", "5", "--processes", "1", "--mutant", "ack_after_commit"]
    )
    assert (noticed.exit_code, "noticed" in noticed.output) == (0, True)
