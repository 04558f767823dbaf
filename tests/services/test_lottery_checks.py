"""`verify` finds whoever touches a lottery's rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.orm import Session

from tests.make import World
from tests.services.fairs import a_fair
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.clock import Clock
from voucher_service.lotteries import service as lotteries
from voucher_service.lotteries.model import Outcome
from voucher_service.reports import verification
from voucher_service.reports.invariants import CLOSED_OFFERS
from voucher_service.vouchers import service as vouchers

LOSER = (
    "UPDATE voucher SET resident_id = (SELECT resident_id FROM lottery_entry"
    " WHERE lottery_id = :id AND rank IS NULL LIMIT 1) WHERE offer_id = :offer"
)
CROOKED = {
    "D1": (
        "UPDATE lottery_entry SET rank = NULL WHERE lottery_id = :id AND rank = 1",
        "DELETE FROM lottery_entry WHERE lottery_id = :id AND rank IS NULL",
        "UPDATE lottery SET result_sha256 = repeat('0', 64) WHERE id = :id",
        "UPDATE lottery SET seed = repeat('0', 64) WHERE id = :id",
        "UPDATE lottery SET seats = seats - 1, waiting = waiting + 1 WHERE id = :id",
    ),
    "D2": (
        "UPDATE lottery SET seats = 1000 WHERE id = :id",
        "UPDATE lottery_entry SET rank = 9 WHERE lottery_id = :id AND rank = 4",
    ),
    "D3": (
        LOSER,
        "UPDATE voucher SET occurred_at = occurred_at - interval '1 day' WHERE offer_id = :offer",
    ),
}


@pytest.fixture
def database_owner(servers: Servers, database_url: str) -> Iterator[Engine]:
    """Who may change everything."""
    name = make_url(database_url).database
    engine = create_engine(make_url(servers.url("postgres", postgres.OWNER)).set(database=name))
    yield engine
    engine.dispose()


def test_each_crooked_lottery_is_caught_by_name(core: Core, database_owner: Engine) -> None:
    city = World(core)
    fair = a_fair(World(with_clock(core, Clock(city.now()))))
    crowd = fair.world.residents(6)
    fair.enter(crowd)
    fair.draw()
    fair.at(fair.offer.window()[0])
    winner = next(one for one in crowd if fair.outcome(one) is Outcome.WON)
    vouchers.claim(fair.core, actor=winner, offer=fair.offer.id, key="k")

    def breaches(connection: Connection) -> set[str]:
        found = {
            name[:2]
            for name, statement in CLOSED_OFFERS.items()
            if connection.execute(text(statement)).first()
        }
        session = Session(connection)
        return found | ({"D1"} if lotteries.differences(session) else set())

    with database_owner.connect() as connection:
        assert breaches(connection) == set()
        connection.rollback()
        for name, statements in CROOKED.items():
            for statement in statements:
                connection.execute(text(statement), {"id": fair.found.id, "offer": fair.offer.id})
                assert name in breaches(connection), statement
                connection.rollback()


def test_an_honest_lottery_leaves_the_books_clean(core: Core) -> None:
    fair = a_fair(World(with_clock(core, Clock(World(core).now()))))
    fair.enter(fair.world.residents(3))
    fair.draw()
    assert {one.invariant[:2] for one in verification.verify(core).breaches} <= {"T1"}
