"""The command line as an operator uses it, on servers that it starts for itself or finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from voucher_service import serving
from voucher_service.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a replay in it."""
    made: Path = tmp_path_factory.mktemp("operator")
    done = run("replay", "yangjiang-2023", "--scale", "0.001", "--data", str(made))
    assert done.exit_code == 0, done.output
    return made


@pytest.fixture
def served(folder: Path) -> Iterator[Path]:
    """The same directory while its servers are at work: the commands of a test attach to them."""
    with serving.servers(folder, durable=False) as found:
        faces = dict.fromkeys(("resident", "merchant", "admin"), "http://127.0.0.1:9")
        ready = faces | {name: value for name, value in asdict(found).items() if "url" in name}
        (folder / "ready.json").write_text(json.dumps(ready), "utf-8")
        yield folder


def run(*words: str, text: str | None = None) -> Result:
    """One command."""
    return CliRunner().invoke(main, words, input=text)


def test_the_books_of_a_replay_are_clean(folder: Path) -> None:
    done = run("verify", "--data", str(folder))
    assert (done.exit_code, done.output[:6]) == (0, "clean:")


def test_the_report_is_the_same_in_every_format(served: Path, tmp_path: Path) -> None:
    common = ("report", "leverage", "--programme", "yangjiang-2023", "--data", str(served))
    figures = json.loads(run(*common, "--format", "json").stdout)["totals"]
    workbook, table = tmp_path / "out.xlsx", tmp_path / "out.csv"
    assert run(*common, "--format", "xlsx", "--out", str(workbook)).exit_code == 0
    assert run(*common, "--format", "csv", "--out", str(table)).exit_code == 0
    cells = {
        cell
        for sheet in openpyxl.load_workbook(workbook).worksheets
        for row in sheet.iter_rows(values_only=True)
        for cell in row
    }
    for name in ("issued_fen", "leveraged_fen"):
        assert figures[name] / 100 in cells
        assert f"{figures[name] / 100:.2f}" in table.read_text("utf-8-sig")
    assert "5.18" in run(*common).stdout


def test_reconciling_again_gives_the_same_figures(folder: Path) -> None:
    report = ("report", "leverage", "--programme", "yangjiang-2023", "--format", "json")
    before = json.loads(run(*report, "--data", str(folder)).stdout)["totals"]
    assert run("reconcile", "--data", str(folder)).exit_code == 0
    assert json.loads(run(*report, "--data", str(folder)).stdout)["totals"] == before


def test_tokens_are_of_new_real_named_residents(folder: Path) -> None:
    done = run("dev-tokens", "--face", "resident", "--count", "3", "--data", str(folder))
    assert len(set(done.stdout.split())) == 3


def test_the_first_member_of_staff_is_entered_by_the_operator(served: Path) -> None:
    words = (
        "create-staff",
        "liang",
        "--name",
        "梁慧",
        "--role",
        "administrator",
        "--data",
        str(served),
    )
    short = run(*words, text="short\nshort\n")
    assert short.exit_code == 1
    assert "password_too_short" in short.output
    assert run(*words, text="a long enough password\n" * 2).exit_code == 0


def test_keys_rotate_without_an_interruption(folder: Path) -> None:
    done = run("rotate-keys", "--data", str(folder))
    assert done.exit_code == 0


def test_an_unknown_programme_is_said_in_a_sentence(folder: Path) -> None:
    done = run("report", "leverage", "--programme", "atlantis", "--data", str(folder))
    assert done.exit_code == 1
    assert "[not_found]" in done.output


def test_settings_are_shown_without_secrets() -> None:
    done = run("config")
    assert "development-only" not in done.stdout
    assert json.loads(done.stdout)["till"]["code_window_seconds"] > 0
