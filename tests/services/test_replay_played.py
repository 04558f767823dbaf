"""A programme played through the real services: its totals, whatever the seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import fresh_database, settings_on
from tests.services import reopened
from voucher_service.approvals import service as approvals
from voucher_service.infra.core import Core, build
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.money import ZERO, Money
from voucher_service.replay import driver, play, settling
from voucher_service.replay.driver import ReplayRefused
from voucher_service.reports import leverage, recount, verification
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.settings import CONFIG, Settings
from voucher_service.tradein import service as tradein
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.review import service as review
from voucher_service.tradein.risk import service as risk

NAME = "yangjiang-2023"
SCALE = "0.001"
WITH_A_CAR = "0.0015"  # about the least scale at which one is bought
# What a worker does on the servers' clock to whatever is there: a replay stays as it was.
SWEEPS = (
    risk.assess_due,
    review.open_due,
    review.batch_due,
    tradein.lapse_due,
    tradein.finish,
    applications.lapse_due,
    approvals.lapse_due,
)


@dataclass(frozen=True)
class Place:
    """A database and a folder of its own."""

    core: Core
    settings: Settings
    folder: Path


@pytest.fixture
def place(servers: Servers, tmp_path: Path) -> Iterator[Place]:
    """Where one replay is played."""
    with fresh_database(servers) as url:
        settings = settings_on(servers, url, tmp_path / "sms.jsonl")
        core = build(settings)
        yield Place(core, settings, tmp_path)
        core.close()


def played(
    place: Place, name: str = NAME, *, scale: str = SCALE, seed: int = 1, resume: bool = False
) -> driver.Wanted:
    """One replay from beginning to end."""
    wanted = driver.prepare(name, scale=scale, seed=seed)
    driver.run(place.core, place.settings, wanted, place.folder, resume=resume)
    return wanted


def reached(place: Place, wanted: driver.Wanted) -> None:
    """The books give the targets, by rollups and by plain SQL, and they are clean."""
    targets, slug = wanted.plan.targets, wanted.plan.programme.slug
    for group_by in (GroupBy.CAMPAIGN, GroupBy.AREA, GroupBy.FUNDER):
        report = leverage.report(place.core, programme=slug, group_by=group_by, basis=Basis.PERIOD)
        figures = report.totals.figures
        assert figures.issued == Money(targets.issued.target_fen)
        assert figures.leveraged == Money(targets.leveraged.target_fen)
        assert Money.total(row.figures.leveraged for row in report.rows) == figures.leveraged
    with place.core.transaction() as session:
        raw, traded = recount.totals(session, slug), recount.trade_in(session, slug)
    assert (raw.issued, raw.leveraged) == (figures.issued, figures.leveraged)
    assert (raw.vouchers, raw.redemptions) == (targets.vouchers, targets.redemptions)
    cars, appliances = targets.fields
    assert (traded.units, traded.applications) == (appliances.units, cars.units)
    assert traded.turnover == Money(appliances.turnover.target_fen)
    planned = [one for field in targets.fields for one in wanted.plan.cases(field)]
    assert traded.subsidy == Money(sum(one.subsidy_fen for one in planned))
    assert report.trade_in.totals.subsidy == traded.subsidy
    assert report.trade_in.totals.turnover == traded.turnover
    assert verification.verify(place.core).breaches == ()


def interrupted(place: Place, *, scale: str) -> int:
    """A replay that is cut off before its vouchers expire; how many were redeemed or sold."""

    class Interrupted(Exception):
        pass

    def cut(core: Core, plan: object) -> int:
        raise Interrupted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(play, "expire", cut)
        with pytest.raises(Interrupted):
            played(place, scale=scale)
    with place.core.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM redemption")).scalar_one())


def test_an_interrupted_replay_goes_on_to_the_published_totals_and_says_what_it_is(
    place: Place,
) -> None:
    before = interrupted(place, scale=WITH_A_CAR)
    wanted = played(place, scale=WITH_A_CAR, resume=True)
    sold = sum(one.units for one in wanted.plan.targets.fields if one.field.at_the_till)
    assert before == wanted.plan.targets.redemptions + sold
    for sweep in SWEEPS:
        while sweep(place.core):
            pass
    with place.core.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM sale_review")).scalar_one() == 0
    reached(place, wanted)
    readers = reopened.readers(programs=False)
    assert list(reopened.differing(place.core, wanted.plan.programme.slug, readers)) == []
    printed = driver.report(place.core, wanted)
    assert printed.startswith(
        "Calibrated synthetic replay: the two published totals are inputs. It shows that the books "
        "reproduce them through the real services; it measures no effect."
    )
    for part in (
        "5.18",
        wanted.plan.programme.file_hash,
        recount.SQL.splitlines()[0],
        "not published",
    ):
        assert part in printed
    of = wanted.plan.programme
    trace = settling.settle(
        place.core,
        programme=of.slug,
        closes_on=of.closes_on,
        cashiers=driver.cashiers(place.folder),
        seed=1,
    )
    assert trace.released == sold > 0
    settled = Money.total(one.settled for one in trace.funders.values())
    with place.core.transaction() as session:
        traded, raw = recount.trade_in(session, of.slug), recount.totals(session, of.slug)
    assert settled == trace.paid == raw.redeemed + traded.subsidy
    assert verification.verify(place.core).breaches == ()
    with pytest.raises(ReplayRefused, match="--resume"):
        played(place, scale=WITH_A_CAR)


def test_two_other_published_figures_give_their_own_ratio(place: Place, tmp_path: Path) -> None:
    source = (CONFIG / "programmes" / f"{NAME}.toml").read_text("utf-8")
    changed = source.replace("1_783_100_000", "1_000_000_000").replace(
        "9_243_200_000", "6_200_000_000"
    )
    assert changed.count("6_200_000_000") == 1
    file = tmp_path / "changed.toml"
    file.write_text(changed, "utf-8")
    wanted = played(place, str(file), seed=7)
    reached(place, wanted)
    report = leverage.report(
        place.core, programme=NAME, group_by=GroupBy.CAMPAIGN, basis=Basis.PERIOD
    )
    assert report.totals.ratios.on_issued == Decimal("6.2000")


def test_a_plan_without_figures_plays_its_fields_with_every_payer(place: Place) -> None:
    wanted = played(place, "dongguan-2026")
    slug, fields = wanted.plan.programme.slug, wanted.plan.targets.fields
    report = leverage.report(place.core, programme=slug, group_by=GroupBy.AREA).trade_in
    cars, phones, appliances = (wanted.plan.cases(one) for one in fields)
    assert report.totals.applications == len(cars) == 1
    assert report.totals.units == len(phones) + len(appliances) == 10
    assert report.totals.turnover == Money(sum(one.price_fen for one in phones + appliances))
    assert report.totals.bank == Money(sum(one.bank_fen for one in phones + appliances)) > ZERO
    listed = sum(one.list_price_fen - one.price_fen for one in phones + appliances)
    assert report.totals.merchant == Money(listed) > ZERO
    assert [one.payer for one in report.payers] == [*["government"] * 3, "merchant", "bank"]
    assert Money.total(one.delivered for one in report.payers[:3]) == report.totals.subsidy
    printed = driver.report(place.core, wanted)
    assert "every figure is assumed" in printed
    assert "汽车 cars" in printed.split("Fields by payer")[1]
    assert verification.verify(place.core).breaches == ()


def test_a_file_that_cannot_be_met_is_refused_before_the_first_write(tmp_path: Path) -> None:
    source = (CONFIG / "programmes" / f"{NAME}.toml").read_text("utf-8")
    file = tmp_path / "greedy.toml"
    file.write_text(source.replace("9_243_200_000", "99_243_200_000"), "utf-8")
    with pytest.raises(ReplayRefused, match=r"redemption rate|no rate"):
        driver.prepare(str(file), scale="1", seed=1)


@pytest.mark.parametrize("scale", ["0", "-1", "much"])
def test_a_scale_that_is_none_is_refused(scale: str) -> None:
    with pytest.raises(ReplayRefused):
        driver.prepare(NAME, scale=scale, seed=1)


def test_an_unknown_programme_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ReplayRefused, match=NAME):
        driver.prepare("atlantis-2023", scale="1", seed=1)
