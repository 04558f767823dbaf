"""The whole machinery of `make bench` in seconds; its figures mean nothing here."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import report, wrk
from benchmarks.__main__ import run
from benchmarks.plan import SLICE
from benchmarks.rows import rows
from voucher_service.kernel.clock import day_of

ROWS = {
    "empty_flask",
    "empty_flask_with_token",
    "claim",
    "sold_out",
    "sold_out_remembered",
    "redeem",
    "redeem_naive",
    "baseline_row_lock",
    "baseline_redis_lock",
    "baseline_lua_sync",
}
LEDGER = {
    "baseline_ledger_insert",
    "ledger_post",
    *(f"ledger_balance_at_{entries}" for entries in SLICE.books),
}
RATIOS = {
    "claim_vs_empty_flask",
    "claim_vs_empty_flask_with_token",
    "claim_vs_row_lock",
    "sold_out_vs_empty_flask",
    "sold_out_remembered_vs_empty_flask",
    "redeem_vs_empty_flask",
    "redeem_vs_naive",
    "ledger_post_vs_insert",
    f"ledger_balance_at_{SLICE.books[1]}_vs_{SLICE.books[0]}",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    try:
        wrk.program()
    except wrk.WrkMissing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("bench")
    report.save(run(SLICE, folder, Console(quiet=True)), folder / "latest.json")
    found: dict[str, Any] = json.loads((folder / "latest.json").read_text("utf-8"))
    return found


def test_every_claim_that_was_acknowledged_is_in_the_database(results: dict[str, Any]) -> None:
    checks = results["checks"]
    assert checks["acknowledged"] == checks["rows_in_db"] > 0
    assert checks["lost"] == 0


def test_the_results_have_every_row_at_a_named_setting(results: dict[str, Any]) -> None:
    assert set(results["rows"]) >= ROWS | LEDGER
    for name, row in results["rows"].items():
        assert 0 < row["min"] <= row["median"] <= row["max"]
        assert row["unit"] == "1/s"
        if name not in LEDGER:
            assert (row["connections"], row["threads"]) == (16, 8)


@pytest.mark.parametrize(
    ("today", "measured"), [(date(2026, 12, 31), True), (date(2100, 1, 1), False)]
)
def test_qualifications_are_measured_while_rules_are_in_force(today: date, measured: bool) -> None:
    assert ("qualification_claim" in {row.name for row in rows(today)}) == measured


def test_the_run_measured_qualifications_if_rules_are_in_force(results: dict[str, Any]) -> None:
    today = {row.name for row in rows(day_of(datetime.fromisoformat(results["at"])))}
    assert today <= set(results["rows"])
    assert ("qualification_claim_vs_empty_flask" in results["ratios"]) == (
        "qualification_claim" in today
    )


def test_each_ratio_is_median_over_median(results: dict[str, Any]) -> None:
    rows, ratios = results["rows"], results["ratios"]
    assert set(ratios) >= RATIOS
    quotient = rows["claim"]["median"] / rows["empty_flask"]["median"]
    assert ratios["claim_vs_empty_flask"] == pytest.approx(quotient, abs=0.002)


def test_a_run_says_that_its_database_was_durable(results: dict[str, Any]) -> None:
    durable = ("fsync", "synchronous_commit", "full_page_writes")
    assert [results["settings"][one] for one in durable] == ["on", "on", "on"]
    assert results["fsync_us"] > 0
    assert results["machine"]["cores"] >= 1


def test_the_table_takes_its_place_in_a_page(results: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- table: begin -->\nstale figures\n<!-- table: end -->\nafter\n", "utf-8"
    )
    report.put_into(page, results)
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale figures" not in text
    assert all(f"`{name}`" in text for name in ROWS | RATIOS)
