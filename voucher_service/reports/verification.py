"""Verify the books: every invariant, on one snapshot, and say what was checked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from voucher_service.infra.core import Core

from .invariants import ALL

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Breach:
    """One case of a broken invariant."""

    invariant: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found, and over how many rows."""

    breaches: tuple[Breach, ...]
    invariants: int
    vouchers: int
    redemptions: int
    transfers: int
    events: int

    @property
    def sentence(self) -> str:
        """What a clean run says."""
        return (
            f"clean: {self.invariants} invariants hold over {self.vouchers:,} vouchers, "
            f"{self.redemptions:,} redemptions, {self.transfers:,} transfers, "
            f"{self.events:,} events"
        )


def verify(core: Core) -> Verification:
    """Check every invariant on one snapshot of the database.

    Reads only; at most 20 cases of each are named.
    """
    with core.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        breaches = [
            Breach(name, str(case))
            for name, statement in ALL.items()
            for case in session.execute(text(f"{statement} LIMIT {_MOST_NAMED}")).scalars()
        ]
        counts = session.execute(
            text(
                "SELECT (SELECT count(*) FROM voucher), (SELECT count(*) FROM redemption),"
                " (SELECT count(*) FROM ledger.transfer), (SELECT count(*) FROM audit.event)"
            )
        ).one()
    return Verification(tuple(breaches), len(ALL), *counts)
