"""A large book in small: clean to verify, and not any more when one row of it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import make_url, text

from tests.conftest import fresh_database, settings_on
from tests.make import World
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import ProgrammeExists
from voucher_service.cli import main
from voucher_service.infra.core import Core, build
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import GATE, QUEUE, Servers
from voucher_service.kernel.errors import NotAllowed
from voucher_service.reports import leverage, recount, verification
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.synthesis.book import Made, make
from voucher_service.synthesis.model import Wanted

SMALL = Wanted("big", vouchers=2_000, merchants=50, days=3)


@pytest.fixture(scope="module")
def made(core: Core) -> Made:
    """The book of this module."""
    return make(core, SMALL)


def count(core: Core, what: str) -> int:
    """Rows of a table that meet a condition."""
    with core.transaction() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())


def run(*words: str) -> Result:
    """One command."""
    return CliRunner().invoke(main, words)


def test_a_synthetic_book_is_clean_and_as_large_as_wanted(core: Core, made: Made) -> None:
    assert verification.verify(core).breaches == ()
    assert made.vouchers == count(core, "voucher") == SMALL.vouchers
    assert made.redemptions == count(core, "redemption")
    assert 1_300 < made.redemptions < 1_500
    assert count(core, "merchant") == SMALL.merchants
    assert count(core, "voucher WHERE status = 'claimed'") == 0
    assert count(core, "offer WHERE status <> 'closed'") == 0


def test_slots_that_lapsed_are_claimed_again_also_by_the_same_resident(
    core: Core, made: Made
) -> None:
    twice = "(SELECT FROM voucher GROUP BY release_id, slot HAVING count(*) > 1) AS slots"
    assert count(core, twice) > 0
    assert count(core, "voucher WHERE generation > 1") > 0


def test_its_money_came_through_a_frame_and_counties_pay_at_their_shops(
    core: Core, made: Made
) -> None:
    assert count(core, "budget WHERE parent_id IS NULL") == 1
    assert count(core, "budget WHERE parent_id IS NOT NULL") == 4
    lines = "budget_line l JOIN budget_reservation r ON r.line_id = l.id"
    assert count(core, f"{lines} WHERE l.shop_area <> '' AND r.folded_fen > 0") > 0


def test_its_report_says_what_its_rows_add_up_to(core: Core, made: Made) -> None:
    report = leverage.report(core, programme="big", group_by=GroupBy.AREA, basis=Basis.PERIOD)
    with core.transaction() as session:
        raw = recount.totals(session, "big")
    figures = report.totals.figures
    assert report.synthetic
    assert (figures.issued, figures.leveraged) == (raw.issued, raw.leveraged)
    assert raw.redemptions == made.redemptions


@contextmanager
def without(core: Core, servers: Servers, row: str) -> Iterator[None]:
    """Somebody who may do everything takes one row away; it is put back afterwards."""
    table = row.split(maxsplit=1)[0]
    database = core.engine.url.database
    url = make_url(servers.url("postgres", postgres.SUPERUSER)).set(database=database)
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        connection.execute(f"CREATE TEMP TABLE gone AS SELECT * FROM {row} LIMIT 1")
        connection.execute(f"DELETE FROM {table} WHERE id = (SELECT id FROM gone)")
        yield
        connection.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM gone")


@pytest.mark.parametrize(
    "row",
    [
        "voucher WHERE status = 'expired'",
        "voucher WHERE status = 'redeemed'",
        "redemption",
        "ledger.entry",
        "ledger.transfer",
        "audit.event WHERE action = 'voucher.claimed'",
        "audit.event WHERE action = 'voucher.redeemed'",
    ],
)
def test_verify_misses_one_row(core: Core, made: Made, servers: Servers, row: str) -> None:
    with without(core, servers, row):
        assert verification.verify(core).breaches != ()
    assert verification.verify(core).breaches == ()


def test_a_second_book_stands_beside_the_first_with_an_offer_that_is_open(
    core: Core, made: Made, world: World
) -> None:
    make(core, Wanted("second", vouchers=400, merchants=40, days=1, open_offer=True))
    found = verification.verify(core)
    assert found.breaches == ()
    assert "1 of 1 open offers compared" in found.sentence
    (offer,) = campaigns.open_offers(core)
    held = count(core, "voucher WHERE status = 'claimed'")
    assert held > 0
    world.claim(offer)
    assert count(core, "voucher WHERE status = 'claimed'") == held + 1


def test_the_same_programme_is_refused_before_anything_is_written(core: Core, made: Made) -> None:
    residents = count(core, "resident")
    with pytest.raises(ProgrammeExists):
        make(core, SMALL)
    assert count(core, "resident") == residents


def test_production_is_refused_a_synthetic_book(core: Core) -> None:
    production = Core(replace(core.settings, env="production"), core.clock)
    with pytest.raises(NotAllowed):
        make(production, SMALL)


def test_the_same_seed_makes_the_same_book(servers: Servers, tmp_path: Path) -> None:
    def orders() -> list[Any]:
        with fresh_database(servers) as url:
            core = build(settings_on(servers, url, tmp_path / "sms.jsonl"))
            make(core, Wanted("big", vouchers=200, merchants=40, days=1))
            with core.transaction() as session:
                rows = session.execute(
                    text(
                        "SELECT r.occurred_at, r.order_amount_fen, r.order_reference, s.name"
                        " FROM redemption r JOIN shop s ON s.id = r.shop_id ORDER BY 1, 2, 3, 4"
                    )
                ).all()
            core.close()
        return [tuple(row) for row in rows]

    assert orders() == orders()


def test_a_book_too_small_to_be_one_is_refused() -> None:
    with pytest.raises(ValueError, match="vouchers and"):
        Wanted("big", vouchers=10, merchants=40, days=1)
    with pytest.raises(ValueError, match="days are"):
        Wanted("big", vouchers=2_000, merchants=40, days=0)


def test_the_operator_makes_a_book_and_is_told_how_large_it_is(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (GATE, QUEUE):
        monkeypatch.setenv(f"VOUCHER__{name.upper()}__URL", servers.url(name))
    with fresh_database(servers) as url:
        monkeypatch.setenv("VOUCHER__DATABASE__URL", url)
        synthesised(tmp_path)


def synthesised(tmp_path: Path) -> None:
    """A small book by the command line, and what is refused."""
    words = ("synthesise", "--vouchers", "200", "--merchants", "40", "--days", "1")
    made = run(*words, "--data", str(tmp_path))
    assert made.exit_code == 0, made.output
    assert "made 200 vouchers" in made.output
    assert run("verify", "--data", str(tmp_path)).output.startswith("clean:")
    again = run(*words, "--data", str(tmp_path))
    assert again.exit_code == 1
    assert "[programme_exists]" in again.output
    small = run("synthesise", "--vouchers", "5", "--data", str(tmp_path))
    assert small.exit_code == 2
