"""Each invariant of the ledger notices what it is there for, when the owner's guards are off."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from tests.make import World
from voucher_service.infra.core import Core
from voucher_service.ledger import marks
from voucher_service.reports import invariants

_CLAIM = "(SELECT max(id) FROM ledger.transfer WHERE code = 'claimed')"
_OUTSTANDING = "(SELECT id FROM ledger.account WHERE owner_id = :{} AND stage = 'outstanding')"
_TO_THE_OTHER = f"UPDATE ledger.entry SET account_id = {_OUTSTANDING.format('other')}"
_MARK = "balance_mark SET balance_fen = balance_fen + 1 WHERE account_id = "
CROOKED = (
    ("L1", "UPDATE ledger.entry SET amount_fen = amount_fen + 1 WHERE amount_fen > 0"),
    ("L2", f"DELETE FROM ledger.entry WHERE transfer_id = {_CLAIM}"),
    ("L2", "UPDATE ledger.entry SET amount_fen = amount_fen + 1 WHERE amount_fen > 0"),
    (
        "L3",
        f"UPDATE ledger.entry SET amount_fen = amount_fen * 1000 WHERE transfer_id = {_CLAIM}",
    ),
    ("L6", f"{_TO_THE_OTHER} WHERE account_id = {_OUTSTANDING.format('offer')}"),
    ("L6", "UPDATE ledger.account SET owner_id = gen_random_uuid() WHERE owner_id = :offer"),
    ("L7", f"UPDATE {_MARK}{_OUTSTANDING.format('offer')}"),
    ("L9", "UPDATE ledger.transfer SET code = 'redeemed' WHERE code = 'claimed'"),
    (
        "L11",
        (
            "WITH opened AS (INSERT INTO ledger.account (owner_type, owner_id, stage)"
            " VALUES ('merchant', :offer, 'receivable'), ('merchant', :offer, 'settled')"
            " RETURNING id, CASE stage WHEN 'settled' THEN 5 ELSE -5 END AS fen),"
            " owed AS (INSERT INTO ledger.transfer (code, key, occurred_at)"
            " VALUES ('clawed_back', 'nobody refunded it', now()) RETURNING id)"
            " INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)"
            " SELECT owed.id, opened.id, opened.fen, now(), '' FROM owed, opened"
        ),
    ),
)


@pytest.mark.parametrize(("broken", "change"), CROOKED)
def test_what_the_owner_breaks_is_named(
    world: World, core: Core, owner: Engine, broken: str, change: str
) -> None:
    offer, other = world.offer(), world.offer()
    for one in (offer, other):
        world.claim(one)
    with core.transaction() as session:
        marks.advance(session, every=1)
    with owner.connect() as connection:
        for table in ("ledger.account", "ledger.transfer", "ledger.entry"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
        values = {"offer": offer.id, "other": other.id}
        used = {name: value for name, value in values.items() if f":{name}" in change}
        connection.execute(text(change), used)
        found = {
            name.split()[0]
            for name, query in invariants.LEDGER.items()
            if connection.execute(text(query)).first() is not None
        }
        connection.rollback()
    assert broken in found


def test_no_invariant_of_the_ledger_is_missing() -> None:
    named = {name.split()[0] for name in invariants.LEDGER}
    assert named == {f"L{number}" for number in range(1, 13)}
