"""What rows need before they are copied: numbers of transfers, and opened accounts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.ledger import seals
from voucher_service.ledger.model import Account
from voucher_service.ledger.tables import AccountRow


def numbers(session: Session, count: int) -> list[int]:
    """Numbers for transfers, as the table itself would give them."""
    statement = text(
        "SELECT nextval(pg_get_serial_sequence('ledger.transfer', 'id'))"
        " FROM generate_series(1, :count)"
    )
    return list(session.execute(statement, {"count": count}).scalars())


def accounts(session: Session, wanted: Sequence[Account]) -> dict[Account, tuple[int, str]]:
    """The numbers of accounts, opened where they are not yet, and how they are sealed."""
    rows = [
        {"owner_type": str(one.owner), "owner_id": one.id, "stage": str(one.stage)}
        for one in wanted
    ]
    session.execute(insert(AccountRow).values(rows).on_conflict_do_nothing())
    found = session.execute(text("SELECT id, owner_type, owner_id, stage FROM ledger.account"))
    known = {(row.owner_type, row.owner_id, row.stage): row.id for row in found}
    return {
        one: (
            known[str(one.owner), one.id, str(one.stage)],
            seals.name(one.owner, one.id, one.stage),
        )
        for one in wanted
    }
