"""Keys go out for those who agreed, a panel comes back, and an estimate is kept with its inputs."""

from __future__ import annotations

import hmac
import io
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.causal import panels
from tests.make import World
from tests.services.fairs import a_fair
from voucher_service.campaigns.model import Offer
from voucher_service.causal import lottery, service, store, words
from voucher_service.causal.model import Check, CheckName, Design, Interval, Verdict, Window
from voucher_service.causal.outcomes import (
    SAMPLE,
    Amounts,
    Kind,
    OutcomeFileInvalid,
    OutcomeFileRepeated,
)
from voucher_service.causal.service import estimating, sampling
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import InvalidInput, NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.kernel.money import Money
from voucher_service.lotteries.model import Outcome
from voucher_service.reports import causal, leverage, retail
from voucher_service.reports.figures import Figures

SALT = b"a provider's salt"
ENTRANTS, SEATS = 44, 20
FACE_FEN, EFFECT = 2_000, 3


@dataclass
class Drawn:
    """A lottery that was drawn and redeemed, and the finance officer who asks what it changed."""

    core: Core
    offer: Offer
    finance: Actor
    agreed: list[Actor]
    silent: Actor
    late: Actor
    won: list[Actor]
    keys: dict[str, str]
    key_of: dict[ResidentId, str]

    def panel(self) -> panels.Rows:
        """Of the winners all but two redeemed, and they spent more.

        Winners come first, each next to the other, so that both groups usually spend alike whoever
        they are: they are drawn anew in every run, and one draw of a hundred looks suspect.
        """
        won = [self.key_of[ResidentId(one.id)] for one in self.won if one.id]
        extra = dict.fromkeys(won[:-2], EFFECT * FACE_FEN)
        return panels.panel(self.offer, extra, dict.fromkeys([*won, *self.keys]))


@pytest.fixture(scope="module")
def drawn(core: Core) -> Drawn:
    world = World(core)
    fair = a_fair(world, seats=SEATS, waiting=0)
    entrants = world.residents(ENTRANTS)
    fair.enter(entrants)
    *agreed, silent, late = entrants
    for one in agreed:
        service.agree(fair.core, actor=one)
    fair.draw()
    service.agree(fair.core, actor=late)
    fair.at(fair.terms.opens_at + timedelta(hours=6))
    shop = World(fair.core)
    till = shop.cashier()
    won = [one for one in agreed if fair.outcome(one) is Outcome.WON]
    for one in won[:-2]:
        shop.redeem(shop.claim(fair.offer, one), till, order_fen=12_000)
    finance = world.staff(Role.FINANCE)
    keys = dict(
        service.keys(fair.core, actor=finance, offer=fair.offer.id, provider="unionpay", salt=SALT)
    )
    with core.transaction() as session:
        key_of = {
            ResidentId(resident): bytes(key).hex()
            for key, resident in session.execute(
                text("SELECT key, resident_id FROM outcome_key WHERE offer_id = :offer"),
                {"offer": fair.offer.id},
            )
        }
    offer = shop.reload(fair.offer.id)
    return Drawn(fair.core, offer, finance, agreed, silent, late, won, keys, key_of)


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lottery, "FEWEST", 10)


def faults(error: OutcomeFileInvalid) -> list[tuple[int, str]]:
    return [(one["line"], one["column"]) for one in error.extra["lines"]]


def lines_kept(core: Core) -> int:
    with core.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM outcome_line")).scalar_one())


def test_only_who_agreed_before_the_draw_gets_a_key_and_no_name_goes_out(drawn: Drawn) -> None:
    assert set(drawn.key_of) == {one.id for one in drawn.agreed}
    assert set(drawn.keys) == set(drawn.key_of.values())
    assert all(len(key) == 32 and len(match) == 64 for key, match in drawn.keys.items())
    with drawn.core.transaction() as session:
        told = session.execute(
            text("SELECT detail FROM audit.event WHERE action = 'outcome_keys.handed_out'")
        ).scalar_one()
    assert told == {"provider": "unionpay", "keys": len(drawn.agreed)}


@pytest.mark.parametrize(("provider", "salt"), [("unionpay", b""), ("Union Pay", SALT)])
def test_a_salt_that_is_no_secret_and_a_name_that_no_file_has_are_refused(
    drawn: Drawn, provider: str, salt: bytes
) -> None:
    with pytest.raises(InvalidInput):
        service.keys(
            drawn.core, actor=drawn.finance, offer=drawn.offer.id, provider=provider, salt=salt
        )


def test_a_provider_finds_its_customers_by_its_own_salt(drawn: Drawn) -> None:
    from voucher_service.identity import service as identity

    resident, key = next(iter(drawn.key_of.items()))
    with drawn.core.transaction() as session:
        mobile = identity.mobile_of(session, keyring=drawn.core.keyring, resident=resident)
    assert mobile is not None
    assert drawn.keys[key] == hmac.digest(SALT, mobile.encode(), "sha256").hex()


def test_a_panel_gives_an_estimate_of_the_effect_that_can_be_repeated(drawn: Drawn) -> None:
    file = panels.written(drawn.offer, Kind.PANEL, drawn.panel())
    made = service.import_file(drawn.core, actor=drawn.finance, stream=file)
    assert estimating.compute(drawn.core, offer=drawn.offer.id) == 2
    found = service.of_offer(drawn.core, actor=drawn.finance, offer=drawn.offer.id)
    assert [one.window for one in found] == [Window.WITH_AFTER, Window.DURING]
    for one in found:
        assert (one.design, one.verdict) == (Design.LOTTERY, Verdict.ESTIMATED)
        assert one.effect is not None
        # An interval misses the effect once in twenty times; a point among whole numbers that
        # hardly differ stays close.
        assert one.effect.point == pytest.approx(EFFECT, abs=0.1)
        assert one.effect.low < one.effect.point < one.effect.high
        assert one.treated is not None and one.control is not None
        assert one.treated + one.control == len(drawn.agreed)
        assert one.file_sha256 == made.sha256
        assert estimating.again(drawn.core, estimate=one.id)
        assert "95%" in words.sentence(one, "zh-CN")
    estimating.compute(drawn.core, offer=drawn.offer.id)
    second = service.of_offer(drawn.core, actor=drawn.finance, offer=drawn.offer.id)
    assert [one.effect for one in second] == [one.effect for one in found]
    file.seek(0)
    with pytest.raises(OutcomeFileRepeated):
        service.import_file(drawn.core, actor=drawn.finance, stream=file)


def test_the_report_prints_the_estimate_beside_the_ratios(drawn: Drawn) -> None:
    with drawn.core.transaction() as session:
        slug = session.execute(
            text("SELECT slug FROM programme WHERE id = :id"), {"id": drawn.offer.programme_id}
        ).scalar_one()
    told = leverage.as_json(leverage.report(drawn.core, programme=slug), "en")["causal"]
    assert told["measurable"]
    assert told["ask_for"] == []
    assert {one["window"] for one in told["estimates"]} == {"during", "with_after"}
    said = f"“{drawn.offer.title}”, winners and losers of the draw: Each yuan of vouchers redeemed"
    assert told["sentence"].startswith(said)
    assert told["headline"] == told["estimates"][0]["id"]


def test_a_rehearsal_with_invented_data_takes_no_place_of_real_ones(drawn: Drawn) -> None:
    offer = drawn.offer.id
    handed = service.keys(drawn.core, actor=drawn.finance, offer=offer, provider=SAMPLE, salt=SALT)
    lines = list(sampling.invented(drawn.core, offer=offer, kind=Kind.PANEL, effect=3.0, seed=1))
    assert f"lines,{len(handed) * len(panels.mondays(drawn.offer))}" in lines
    file = io.BytesIO("\n".join(lines).encode())
    made = service.import_file(drawn.core, actor=drawn.finance, stream=file)
    assert estimating.compute(drawn.core, offer=offer) == 2
    now = service.of_offer(drawn.core, actor=drawn.finance, offer=offer)
    assert [one.invented for one in now] == [False, False]
    (_, found) = service.of_files(drawn.core, files=[made])[made.id]
    assert found == []


def test_invented_or_suspect_figures_are_no_headline(drawn: Drawn) -> None:
    one, *_ = service.of_offer(drawn.core, actor=drawn.finance, offer=drawn.offer.id)
    assert service.headline([one]) == one
    wrong = replace(one, checks=(Check(CheckName.BALANCE, 0.001, stands=False),))
    assert service.headline([wrong]) is None
    assert causal.cost([wrong]) is None
    assert "检验没通过" in causal.cost_in_words([wrong], "zh-CN")
    assert causal.sentence([wrong], "zh-CN") == "净拉动不给数：有一项检验没通过。"
    assert "这个数不能采信" in causal.explained(wrong, "zh-CN")
    invented = replace(one, invented=True)
    assert service.headline([invented]) is None
    assert causal.sentence([invented], "zh-CN") == "净拉动不能估计：没有结果数据。"
    assert "【示例数据，不是真的】" in causal.explained(invented, "zh-CN")


def test_a_share_of_retail_growth_says_of_which_offer_it_was_estimated(drawn: Drawn) -> None:
    one, *_ = service.of_offer(drawn.core, actor=drawn.finance, offer=drawn.offer.id)
    day, at = date(2026, 1, 1), drawn.core.clock.at or datetime.now(UTC)
    sold = retail.Retail(new_id(), day, day, Money(11_000_000), 1_000, "月报", day, new_id(), at)
    figures = Figures(redeemed=Money(10_000), leveraged=Money(60_000))
    assert one.effect is not None
    found = retail.extra(sold, figures, [one])
    assert found is not None
    assert found.point == pytest.approx(one.effect.point * 0.01)
    said = dict(retail.facts(sold, figures, [one], "zh-CN"))["净拉动占社零增量"]
    assert f"只估计了“{drawn.offer.title}”" in said
    of_all = replace(one, design=Design.AREAS)
    said = dict(retail.facts(sold, figures, [of_all], "zh-CN"))["净拉动占社零增量"]
    assert "只估计了" not in said
    small = retail.extra(sold, replace(figures, redeemed=Money(1)), [one])
    assert small is not None
    assert small.point == pytest.approx(one.effect.point / 1_000_000)
    wrong = replace(one, checks=(Check(CheckName.BALANCE, 0.001, stands=False),))
    assert retail.extra(sold, figures, [wrong]) is None


def test_what_residents_paid_more_is_not_all_that_was_spent_more(drawn: Drawn) -> None:
    one, *_ = service.of_offer(drawn.core, actor=drawn.finance, offer=drawn.offer.id)

    def paid(point: float, low: float, high: float) -> service.Estimate:
        return replace(one, amounts=Amounts.PAID, effect=Interval(point, low, high))

    nothing = paid(0.0, -0.5, 0.6)
    assert causal.cost([nothing]) == Interval(1.0, 1 / 1.6, 2.0)
    assert causal.figures([nothing]) == (1.0, 0.5, 1.6), "as the ruler draws it"
    assert "居民自己付的钱因券而变" in words.sentence(nothing, "zh-CN")
    less = paid(-0.5, -0.8, -0.2)
    assert causal.cost([less]) == Interval(2.0, 1 / 0.8, 1 / (1 - 0.8))
    assert "少付了钱" in words.sentence(less, "zh-CN")
    fell = paid(-3.0, -4.0, -2.0)
    assert causal.no_cost([fell], "zh-CN") == "消费不升反降"
    assert causal.no_cost([paid(-1.0, -2.0, 0.0)], "zh-CN") == "多出来的消费可能是 0"


def test_the_newest_offers_are_asked_about_with_their_days(drawn: Drawn) -> None:
    first, last = panels.span(drawn.offer)
    asked = service.asked(drawn.core, actor=drawn.finance, limit=5)
    assert (drawn.offer.id, first, last) in [(offer.id, *days) for offer, *days in asked]


def test_a_file_that_is_wrong_anywhere_leaves_nothing(drawn: Drawn) -> None:
    good = [list(row) for row in drawn.panel()]
    stranger = [["0" * 32, *good[0][1:]]]
    before = lines_kept(drawn.core)
    for rows, said, expected in (
        (good, {"lines": len(good) + 1}, [(9, str(len(good) + 1))]),
        (good, {"total_fen": 1}, [(10, "1")]),
        (good + good[:2], {}, [(12 + len(good), ""), (13 + len(good), "")]),
        (good + stranger, {}, [(12 + len(good), "")]),
        ([[*good[0][:4], "12.5", 1]], {"total_fen": 0, "lines": 1}, [(12, "amount_fen")]),
        (good, {"from": panels.mondays(drawn.offer)[1]}, None),
    ):
        if expected and expected[0][1] == "amount_fen":
            file = panels.written(drawn.offer, Kind.PANEL, [[*good[0][:4], 0, 1]])
            file = type(file)(file.getvalue().replace(b",0,1\n", b",12.5,1\n"))
        else:
            file = panels.written(drawn.offer, Kind.PANEL, rows, **said)
        with pytest.raises(OutcomeFileInvalid) as caught:
            service.import_file(drawn.core, actor=drawn.finance, stream=file)
        if expected is not None:
            assert faults(caught.value) == expected
    assert lines_kept(drawn.core) == before


def test_only_finance_of_the_area_imports(drawn: Drawn) -> None:
    world = World(drawn.core)
    file = panels.written(drawn.offer, Kind.PANEL, drawn.panel())
    with pytest.raises(NotAllowed):
        service.import_file(drawn.core, actor=world.planner, stream=file)
    file.seek(0)
    elsewhere = world.staff(Role.FINANCE, area="441702")
    with pytest.raises(NoSuchThing):
        service.import_file(drawn.core, actor=elsewhere, stream=file)


def test_who_takes_consent_back_leaves_every_panel(drawn: Drawn) -> None:
    one = drawn.agreed[0]
    assert one.id is not None
    key = drawn.key_of[ResidentId(one.id)]
    held = "SELECT count(*) FROM outcome_line WHERE key = decode(:key, 'hex')"
    with drawn.core.transaction() as session:
        assert session.execute(text(held), {"key": key}).scalar_one() > 0
    service.withdraw(drawn.core, actor=one)
    assert not service.agreed(drawn.core, resident=ResidentId(one.id))
    with drawn.core.transaction() as session:
        assert session.execute(text(held), {"key": key}).scalar_one() == 0
    estimating.compute(drawn.core, offer=drawn.offer.id)
    found = service.of_offer(drawn.core, actor=drawn.finance, offer=drawn.offer.id)
    assert (found[0].treated or 0) + (found[0].control or 0) == len(drawn.agreed) - 1
    again = panels.written(drawn.offer, Kind.PANEL, drawn.panel(), made_on="2026-01-01")
    with pytest.raises(OutcomeFileInvalid):
        service.import_file(drawn.core, actor=drawn.finance, stream=again)


def given(core: Core, resident: Actor) -> int:
    counted = text(
        "SELECT count(*) FROM audit.event"
        " WHERE action = 'outcome_consent.given' AND object_id = :resident"
    )
    with core.transaction() as session:
        return int(session.execute(counted, {"resident": str(resident.id)}).scalar_one())


def test_who_agrees_twice_at_once_has_agreed_once(drawn: Drawn) -> None:
    one = World(drawn.core).resident()
    assert one.id is not None
    resident = ResidentId(one.id)
    with ThreadPoolExecutor() as pool, drawn.core.transaction() as session:
        assert store.agree(session, resident, "first", drawn.core.now(session))
        second = pool.submit(service.agree, drawn.core, actor=one)
        with pytest.raises(TimeoutError):
            second.result(0.2)
    second.result()
    assert (service.agreed(drawn.core, resident=resident), given(drawn.core, one)) == (True, 0)
    service.withdraw(drawn.core, actor=one)
    for _ in range(2):
        service.agree(drawn.core, actor=one)
    assert (service.agreed(drawn.core, resident=resident), given(drawn.core, one)) == (True, 1)


def test_who_takes_consent_back_while_a_file_comes_in_is_in_no_line_of_it(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = drawn.agreed[2:5]
    keys = [drawn.key_of[ResidentId(one.id)] for one in asked if one.id]
    file = panels.written(drawn.offer, Kind.PANEL, panels.panel(drawn.offer, {}, keys))
    left: list[Future[None]] = []
    unknown = store.unknown

    def judged(*args: Any, **named: Any) -> list[int]:
        found = unknown(*args, **named)
        left.append(pool.submit(service.withdraw, drawn.core, actor=asked[0]))
        with pytest.raises(TimeoutError):
            left[0].result(0.2)
        return found

    monkeypatch.setattr(store, "unknown", judged)
    with ThreadPoolExecutor() as pool:
        made = service.import_file(drawn.core, actor=drawn.finance, stream=file)
        left[0].result()
    with drawn.core.transaction() as session:
        kept = session.execute(
            text("SELECT DISTINCT encode(key, 'hex') FROM outcome_line WHERE file_id = :file"),
            {"file": made.id},
        ).scalars()
        assert set(kept) == set(keys[1:])


def test_without_a_feed_nothing_is_claimed(core: Core) -> None:
    found = World(core).programme()
    told = leverage.as_json(leverage.report(core, programme=found.slug), "zh-CN")["causal"]
    assert not told["measurable"]
    assert told["sentence"] == "净拉动不能估计：没有结果数据。"
    assert len(told["ask_for"]) == 3
