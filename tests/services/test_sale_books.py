"""The invariants of sales notice what they are there for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from tests.tradein.counter import Counter, known_goods, unit
from tests.tradein.town import open_town
from voucher_service.infra.core import Core
from voucher_service.reports import sale_invariants

_SOLD = "(SELECT redemption_id FROM trade_in_sale WHERE status = 'sold' LIMIT 1)"
CROOKED = (
    ("Q4", f"UPDATE trade_in_sale SET subsidy_fen = 1 WHERE redemption_id = {_SOLD}"),
    ("Q4", f"UPDATE trade_in_sale SET status = 'undone' WHERE redemption_id = {_SOLD}"),
    ("Q4", "UPDATE qualification SET subsidy_fen = subsidy_fen + 1 WHERE status = 'used'"),
    ("Q4", "UPDATE qualification SET status = 'claimed', subsidy_fen = NULL WHERE status = 'used'"),
    ("Q4", "DELETE FROM sold_unit; DELETE FROM trade_in_sale"),
    ("Q5", "UPDATE qualification SET subsidy_fen = 10000000000 WHERE status = 'used'"),
    ("Q6", "UPDATE sold_unit SET holds = false"),
    ("Q6", "DELETE FROM sold_unit WHERE kind = 'imei'"),
    ("Q6", "DELETE FROM sold_unit WHERE kind = 'serial'"),
)


@pytest.fixture(scope="module")
def counter(core: Core) -> Iterator[Counter]:
    """A counter that sold a unit and has another frozen."""
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(core, patch)
        known_goods(town)
        made = Counter(town, town.pool(release_quota=100))
        made.sell()
        made.freeze(item=unit(price_fen=200_000))
        yield made


@pytest.mark.parametrize(("broken", "change"), CROOKED)
def test_what_the_owner_breaks_is_named(
    counter: Counter, owner: Engine, broken: str, change: str
) -> None:
    counter.clean()
    with owner.connect() as connection:
        connection.execute(text(change))
        found = {
            name.split()[0]
            for name, query in sale_invariants.SALES.items()
            if connection.execute(text(query)).first() is not None
        }
        connection.rollback()
    assert broken in found


def test_no_unit_can_be_sold_twice_even_by_hand(counter: Counter, owner: Engine) -> None:
    """The constraint has the last word, not the till."""
    again = (
        "INSERT INTO sold_unit (sale_id, kind, number, holds)"
        " SELECT s.redemption_id, u.kind, u.number, true FROM sold_unit u, trade_in_sale s"
        " WHERE u.sale_id <> s.redemption_id LIMIT 1"
    )
    assert counter.pool
    with owner.connect() as connection, pytest.raises(Exception, match="uq_sold_unit_number"):
        connection.execute(text(again))
