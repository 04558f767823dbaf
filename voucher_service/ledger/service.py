"""Post transfers and read balances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from voucher_service.kernel.money import ZERO, Money

from .model import Account, Code, Leg, balanced
from .tables import AccountRow, EntryRow, TransferRow

_ACCOUNT: Any = AccountRow.__table__
_TRANSFER: Any = TransferRow.__table__
_ENTRY: Any = EntryRow.__table__

# One round trip on the hot path: the transfer and the legs whose accounts are open.
_POST = text("""
WITH t AS (
    INSERT INTO ledger.transfer (code, key, occurred_at) VALUES (:code, :key, :now)
    ON CONFLICT DO NOTHING RETURNING id
), e AS (
    INSERT INTO ledger.entry (transfer_id, account_id, amount_fen)
    SELECT t.id, a.id, l.amount_fen
    FROM t, unnest(CAST(:owners AS text[]), CAST(:ids AS uuid[]), CAST(:stages AS text[]),
                   CAST(:amounts AS bigint[])) AS l (owner_type, owner_id, stage, amount_fen)
    JOIN ledger.account a USING (owner_type, owner_id, stage)
    RETURNING account_id
)
SELECT (SELECT id FROM t) AS transfer, (SELECT count(*) FROM e) AS legs
""")


def post(session: Session, *, code: Code, key: str, legs: Sequence[Leg], now: datetime) -> bool:
    """Append one transfer. False, and nothing changed, when its code and key were posted before.

    Leaves out legs of nothing. Raises ValueError when legs don't balance or name an account twice.
    """
    legs = [leg for leg in legs if leg.amount]
    if not legs:
        return False
    if not balanced(legs) or len({leg.account for leg in legs}) != len(legs):
        raise ValueError(f"unbalanced legs: {legs}")
    transfer, written = session.execute(
        _POST,
        {
            "code": code,
            "key": key,
            "now": now,
            "owners": [str(leg.account.owner) for leg in legs],
            "ids": [leg.account.id for leg in legs],
            "stages": [str(leg.account.stage) for leg in legs],
            "amounts": [leg.amount.fen for leg in legs],
        },
    ).one()
    if transfer is not None and written < len(legs):
        _write_missing(session, transfer, legs)
    return transfer is not None


def balance(session: Session, account: Account, *, at: datetime | None = None) -> Money:
    """The exact balance, now or at a past instant of business time."""
    return balances(session, [account], at=at)[account]


def balances(
    session: Session, accounts: Iterable[Account], *, at: datetime | None = None
) -> dict[Account, Money]:
    """Exact balances of some accounts; an account never used is zero."""
    wanted = list(accounts)
    statement = (
        select(
            _ACCOUNT.c.owner_type,
            _ACCOUNT.c.owner_id,
            _ACCOUNT.c.stage,
            func.sum(_ENTRY.c.amount_fen).label("total"),
        )
        .join(_ENTRY, _ENTRY.c.account_id == _ACCOUNT.c.id)
        .where(_named(wanted))
        .group_by(_ACCOUNT.c.owner_type, _ACCOUNT.c.owner_id, _ACCOUNT.c.stage)
    )
    if at is not None:
        statement = statement.join(_TRANSFER, _TRANSFER.c.id == _ENTRY.c.transfer_id).where(
            _TRANSFER.c.occurred_at <= at
        )
    found = {
        (row.owner_type, row.owner_id, row.stage): row.total for row in session.execute(statement)
    }
    return {
        account: found.get((account.owner, account.id, account.stage), ZERO) for account in wanted
    }


def _named(accounts: list[Account]) -> ColumnElement[bool]:
    return tuple_(_ACCOUNT.c.owner_type, _ACCOUNT.c.owner_id, _ACCOUNT.c.stage).in_(
        [(account.owner, account.id, account.stage) for account in accounts]
    )


def _write_missing(session: Session, transfer: int, legs: list[Leg]) -> None:
    """Open the accounts used for the first time, and write the legs that waited for them."""
    done = set(
        session.execute(
            select(_ENTRY.c.account_id).where(_ENTRY.c.transfer_id == transfer)
        ).scalars()
    )
    session.execute(
        pg_insert(_ACCOUNT)
        .values(
            [
                {
                    "owner_type": one.account.owner,
                    "owner_id": one.account.id,
                    "stage": one.account.stage,
                }
                for one in legs
            ]
        )
        .on_conflict_do_nothing()
    )
    rows = session.execute(
        select(_ACCOUNT.c.id, _ACCOUNT.c.owner_type, _ACCOUNT.c.owner_id, _ACCOUNT.c.stage).where(
            _named([leg.account for leg in legs])
        )
    ).all()
    ids = {(row.owner_type, row.owner_id, row.stage): row.id for row in rows}
    for leg in legs:
        account = ids[leg.account.owner, leg.account.id, leg.account.stage]
        if account not in done:
            session.execute(
                insert(_ENTRY).values(
                    transfer_id=transfer, account_id=account, amount_fen=leg.amount
                )
            )
