"""A slice of the fault campaign and its checker, which finds what it is given to find.

The whole campaign is `make faults`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.contracts.source import ROOT, imports
from tests.faults.campaign import cells, checker, race, rehearsal, report
from tests.faults.campaign import city as city_module
from tests.faults.campaign.__main__ import PROCESSES, THREADS, verify
from tests.faults.campaign.city import City
from tests.faults.campaign.stand import Stand, serve, standing


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Everything in a directory of its own, with as many web processes as the campaign has."""
    data = tmp_path_factory.mktemp("campaign")
    with standing(data, processes=PROCESSES, threads=THREADS) as running:
        serve(running)
        yield running


@pytest.fixture(scope="module")
def city(stand: Stand) -> Iterator[City]:
    """Its residents."""
    found = city_module.found(stand, rehearsal.SLICE.residents)
    yield found
    found.close()


@pytest.fixture(scope="module")
def outcome(stand: Stand, city: City) -> rehearsal.Outcome:
    """What a slice of the campaign found."""
    return rehearsal.run(stand, city, rehearsal.SLICE, seed="slice", say=lambda _: None)


def test_sixty_four_at_once_over_four_processes_get_exactly_the_quota(city: City) -> None:
    raced = race.run(city, times=1)
    assert [one.asked - one.quota for one in raced] == [-1, 0, 1]
    assert race.inexact(raced) == []


def test_faults_on_real_processes_break_no_promise(
    stand: Stand, outcome: rehearsal.Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print("\n" + json.dumps(outcome.strikes), dict(outcome.findings.counts))  # noqa: T201 - counts
    assert report.broken(outcome, [], verify(stand), whole=False) == []
    assert sum(hits for _, hits in outcome.strikes.values()) >= 8
    assert outcome.findings.counts["offers exhausted"] >= 3


# What is done to the journals or the books, and the promise that is then found broken.
Doctored = Callable[[list[dict[str, Any]]], None]


@dataclass(frozen=True)
class Lie:
    """A change of one client's journal."""

    promise: str
    tell: Doctored


def _first(lines: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    return next(
        line for line in lines if all(line.get(name) == value for name, value in wanted.items())
    )


def _promise_what_is_not_there(lines: list[dict[str, Any]]) -> None:
    _first(lines, what="told", status=201)["voucher"] = "00000000-0000-0000-0000-000000000000"


def _answer_differently(lines: list[dict[str, Any]]) -> None:
    told = _first(lines, what="told", status=201)
    lines.append({**told, "at": told["at"] + 2, "sent": told["at"] + 1, "content": "other"})


def _refuse_afterwards(lines: list[dict[str, Any]]) -> None:
    told = _first(lines, what="told", status=201)
    later = {"at": told["at"] + 2, "sent": told["at"] + 1, "status": 409, "code": "sold_out"}
    lines.append({**told, **later})


def _refuse_below_the_limit(lines: list[dict[str, Any]]) -> None:
    told = _first(lines, what="told", status=201)
    stranger = {"resident": "00000000-0000-0000-0000-000000000000", "key": "k", "status": 409}
    lines.append({**told, **stranger, "code": "limit_reached"})


def _refuse_with_slots_free(lines: list[dict[str, Any]]) -> None:
    told = _first(lines, what="told", status=201, offer="large-0")
    lines.append({**told, "key": "k", "status": 409, "code": "sold_out"})


def _hide_what_is_held(lines: list[dict[str, Any]]) -> None:
    told = _first(lines, what="told", status=201)
    lines.append({**told, "key": "k", "status": 409, "code": "limit_reached", "holds": []})


LIES = (
    Lie("lost acknowledgements", _promise_what_is_not_there),
    Lie("same key, other answer", _answer_differently),
    Lie("same key, other answer", _refuse_afterwards),
    Lie("holder told sold out", _refuse_afterwards),
    Lie("refused below the limit", _refuse_below_the_limit),
    Lie("told sold out, slots free", _refuse_with_slots_free),
    Lie("holder not told which", _hide_what_is_held),
)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.tell.__name__.strip("_"))
def test_a_journal_that_was_changed_is_found(
    stand: Stand, outcome: rehearsal.Outcome, tmp_path: Path, lie: Lie
) -> None:
    folder = tmp_path / "journals"
    shutil.copytree(stand.data / "journals", folder)
    journals = sorted(folder.glob("client-*"))
    file = max(journals, key=lambda one: one.read_text().count('"status":201'))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lie.tell(lines)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with psycopg.connect(stand.database_url) as connection:
        found = checker.check(folder, connection)
    assert found.violations[lie.promise]


def test_an_answer_while_a_server_was_away_is_found(
    stand: Stand, outcome: rehearsal.Outcome, tmp_path: Path
) -> None:
    folder = tmp_path / "journals"
    shutil.copytree(stand.data / "journals", folder)
    told = next(
        line
        for line in checker.read(folder, "client-*.jsonl")
        if line["what"] == "told" and line["status"] == 201
    )
    window = {"at": 1, "what": "out_of_reach", "server": "postgres", "kind": "-"}
    with (folder / "faults.jsonl").open("a") as file:
        file.write(
            json.dumps({**window, "since": told["sent"] - 1, "until": told["at"] + 1}) + "\n"
        )
    with psycopg.connect(stand.database_url) as connection:
        found = checker.check(folder, connection)
    assert len(found.violations["acknowledged out of reach"]) >= 1


_THIS = "(SELECT id FROM offer WHERE slug = %(slug)s)"
_MATE = f"(SELECT resident_id FROM voucher WHERE offer_id = {_THIS} LIMIT 1)"
SQL_LIES = (
    ("outstanding", f"DELETE FROM voucher WHERE offer_id = {_THIS}"),
    ("lost acknowledgements", f"DELETE FROM voucher WHERE offer_id = {_THIS}"),
    ("lost acknowledgements", f"UPDATE voucher SET resident_id = {_MATE}"),
    ("oversold", f"UPDATE voucher SET slot = 1 WHERE offer_id = {_THIS}"),
    ("oversold", f"UPDATE offer SET quota = 1 WHERE id = {_THIS}"),
    ("duplicate grants", f"UPDATE offer SET per_resident_limit = 0 WHERE id = {_THIS}"),
    ("duplicate grants", f"UPDATE voucher SET claim_key_hash = '', resident_id = {_MATE}"),
    ("undersold", f"UPDATE voucher SET holds_slot = false WHERE offer_id = {_THIS}"),
    ("ledger sum", "UPDATE ledger.entry SET amount_fen = amount_fen + 1 WHERE id = 1"),
)


@pytest.mark.parametrize(("promise", "statement"), SQL_LIES)
def test_books_that_were_changed_are_found(
    stand: Stand, outcome: rehearsal.Outcome, statement: str, promise: str
) -> None:
    with psycopg.connect(stand.database_url) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        connection.execute("SET deadlock_timeout = '1min'")  # who still serves finds it, gives way
        for name in ("uq_voucher_slot", "uq_voucher_ordinal"):
            connection.execute(f"DROP INDEX {name}")
        connection.execute(
            "ALTER TABLE voucher DROP CONSTRAINT uq_voucher_resident_id_claim_key_hash"
        )
        connection.execute("ALTER TABLE offer DROP CONSTRAINT ck_offer_limit")
        connection.execute(statement, {"slug": outcome.exhausted[0]})
        found = checker.check(stand.data / "journals", connection, exhausted=outcome.exhausted)
        connection.rollback()
    assert found.violations[promise]


def test_the_checker_knows_nothing_of_what_it_checks() -> None:
    path = Path(checker.__file__)
    outside = {name.partition(".")[0] for name in imports(path)}
    assert outside - set(sys.stdlib_module_names) == {"psycopg"}


def test_every_fault_belongs_to_a_cell_and_every_real_cell_has_faults() -> None:
    named = {fault for cell in cells.CELLS for fault in cell.faults}
    assert named == {kind.name for kind in rehearsal.ALL}
    assert all(bool(cell.faults) != bool(cell.simulated) for cell in cells.CELLS)


def test_the_page_shows_the_cells_as_they_are() -> None:
    page = (ROOT / "docs" / "faults.md").read_text("utf-8")
    assert [row for row in cells.page_rows() if row not in page.splitlines()] == []
