"""Whoever owns the tables changes the books: the verification names what was touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from tests.conftest import NOON
from voucher_service.infra.core import Core
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.money import Money
from voucher_service.ledger import seals
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, move, pool


@contextmanager
def unguarded(owner: Engine) -> Iterator[Connection]:
    """The owner at work, with every guard of the books off; they are on again afterwards."""
    tables = ("ledger.account", "ledger.transfer", "ledger.entry")
    for verb in ("DISABLE", "ENABLE"):
        with owner.begin() as connection:
            for table in tables:
                connection.execute(text(f"ALTER TABLE {table} {verb} TRIGGER USER"))
            if verb == "DISABLE":
                yield connection


class Posted:
    """A transfer of 500 fen between two accounts of one pool."""

    def __init__(self, core: Core) -> None:
        self.core, self.offer, self.key = core, uuid4(), str(uuid4())
        legs = move(
            Money(500), pool(self.offer, Stage.RESERVED), pool(self.offer, Stage.OUTSTANDING)
        )
        with core.transaction() as session:
            assert ledger.post(session, code=Code.CLAIMED, key=self.key, legs=legs, now=NOON)
            statement = text(
                "SELECT t.id AS transfer, e.id AS entry, e.account_id FROM ledger.transfer t"
                " JOIN ledger.entry e ON e.transfer_id = t.id WHERE t.key = :key ORDER BY e.id"
            )
            rows = session.execute(statement, {"key": self.key}).all()
        self.id = rows[0].transfer
        self.entries = [row.entry for row in rows]
        self.accounts = [row.account_id for row in rows]

    def found(self) -> str:
        """What is said of this transfer; nothing when it is whole."""
        with self.core.transaction() as session:
            said = seals.broken(session, self.core.keyring, after=self.id - 1, until=self.id)
            return "".join(said)


def amounts(connection: Connection, one: Posted) -> None:
    """Both legs by the same sum, so that the transfer still balances."""
    connection.execute(
        text("UPDATE ledger.entry SET amount_fen = amount_fen * 2 WHERE transfer_id = :id"),
        {"id": one.id},
    )


def account(connection: Connection, one: Posted) -> None:
    """One leg to another account."""
    other = connection.execute(
        text(
            "INSERT INTO ledger.account (owner_type, owner_id, stage)"
            " VALUES ('pool', :id, 'committed') RETURNING id"
        ),
        {"id": one.offer},
    ).scalar_one()
    connection.execute(
        text("UPDATE ledger.entry SET account_id = :other WHERE id = :id"),
        {"other": other, "id": one.entries[1]},
    )


def name_of_the_account(connection: Connection, one: Posted) -> None:
    """The account under an entry becomes another's."""
    connection.execute(
        text("UPDATE ledger.account SET owner_id = :other WHERE id = :id"),
        {"other": uuid4(), "id": one.accounts[1]},
    )


def instant(connection: Connection, one: Posted) -> None:
    """Transfer and entries to another day."""
    for table, column in (("transfer", "id"), ("entry", "transfer_id")):
        connection.execute(
            text(f"UPDATE ledger.{table} SET occurred_at = :at WHERE {column} = :id"),
            {"at": NOON - timedelta(days=400), "id": one.id},
        )


def instant_of_an_entry(connection: Connection, one: Posted) -> None:
    """One entry to another day than its transfer."""
    connection.execute(
        text("UPDATE ledger.entry SET occurred_at = :at WHERE id = :id"),
        {"at": NOON - timedelta(days=400), "id": one.entries[1]},
    )


def key(connection: Connection, one: Posted) -> None:
    """The transfer says that something else happened."""
    connection.execute(
        text("UPDATE ledger.transfer SET code = 'redeemed' WHERE id = :id"), {"id": one.id}
    )


def seal(connection: Connection, one: Posted) -> None:
    """A seal is replaced."""
    connection.execute(
        text("UPDATE ledger.entry SET seal = sha256('x') WHERE id = :id"), {"id": one.entries[1]}
    )


def pair(connection: Connection, one: Posted) -> None:
    """Two more legs that balance, with seals copied from honest ones."""
    connection.execute(
        text(
            "INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)"
            " SELECT transfer_id, account_id, amount_fen, occurred_at, seal FROM ledger.entry"
            " WHERE transfer_id = :id"
        ),
        {"id": one.id},
    )


@pytest.mark.parametrize(
    "change",
    [amounts, account, name_of_the_account, instant, instant_of_an_entry, key, seal, pair],
)
def test_what_the_owner_changes_is_found_and_named(
    core: Core, owner: Engine, change: Callable[[Connection, Posted], None]
) -> None:
    one, other = Posted(core), Posted(core)
    assert one.found() == other.found() == ""
    with unguarded(owner) as connection:
        change(connection, one)
    said = one.found()
    assert f"transfer {one.id} " in said
    assert f"{one.entries[1]} (" in said
    assert other.found() == ""
    assert any(f"transfer {one.id} " in named for named in ledger.tampered(core, most=100))


def test_of_a_changed_leg_only_that_one_is_named(core: Core, owner: Engine) -> None:
    one = Posted(core)
    with unguarded(owner) as connection:
        account(connection, one)
    assert f"{one.entries[0]} (" not in one.found()


def test_a_transfer_without_its_entries_is_named(core: Core, owner: Engine) -> None:
    one = Posted(core)
    with unguarded(owner) as connection:
        connection.execute(text("DELETE FROM ledger.entry WHERE transfer_id = :id"), {"id": one.id})
    assert one.found() == f"transfer {one.id} (claimed {one.key}) has lost its entries"


def test_a_forged_transfer_that_balances_is_named(core: Core, owner: Engine) -> None:
    one = Posted(core)
    with unguarded(owner) as connection:
        forged = connection.execute(
            text(
                "WITH t AS (INSERT INTO ledger.transfer (code, key, occurred_at)"
                " VALUES ('claimed', 'forged', now()) RETURNING id, occurred_at)"
                " INSERT INTO ledger.entry"
                " (transfer_id, account_id, amount_fen, occurred_at, seal)"
                " SELECT t.id, e.account_id, e.amount_fen, t.occurred_at, e.seal"
                " FROM t, ledger.entry e WHERE e.transfer_id = :id RETURNING transfer_id"
            ),
            {"id": one.id},
        ).scalars()
        number = next(iter(forged))
    assert f"transfer {number} (claimed forged): entry" in " ".join(ledger.tampered(core, most=100))


def test_old_keys_go_on_to_prove_what_they_sealed(core: Core) -> None:
    one = Posted(core)
    for keys, whole in (
        (f"2:new,{core.settings.secrets.ledger_keys}", True),
        ("2:new", False),
        ("1:other", False),
    ):
        keyring = Keyring(replace(core.settings.secrets, ledger_keys=keys))
        with core.transaction() as session:
            said = list(seals.broken(session, keyring, after=one.id - 1, until=one.id))
        assert (not said) is whole


def test_no_two_entries_are_sealed_alike() -> None:
    id = UUID(int=1)
    account = seals.name("pool", id, "reserved")
    forms = {
        seals.form("ab", "c", 1, 2, account, 5),
        seals.form("a", "bc", 1, 2, account, 5),
        seals.form("a", "b|1:c", 1, 2, account, 5),
        seals.form("ab", "c", 1, 2, seals.name("poolr", id, "eserved"), 5),
        seals.form("ab", "c", 12, 2, account, 5),
        seals.form("ab", "c", 1, 2, account, -5),
    }
    assert len(forms) == 6
