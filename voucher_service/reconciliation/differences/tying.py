"""What a file's side of ours adds up to, and what the ledger has of the same redemptions."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.kernel.money import Money

# Each order of ours once, though a duplicate line names it again; with the others of its ticket,
# which were paid together. What the ledger committed for an
# order stands under the order's id; what came back of it under the ids of its refunds.
_TIE = text("""
WITH named AS (
    SELECT DISTINCT redemption_id AS id FROM channel_line
    WHERE file_id = :file AND kind = 'payment' AND redemption_id IS NOT NULL
      AND finding <> 'undone'
), orders AS (
    SELECT id FROM named
    UNION
    SELECT r.id FROM named JOIN redemption n ON n.id = named.id
    JOIN redemption r ON r.shop_id = n.shop_id AND r.ticket_reference = n.ticket_reference
        AND r.payment_reference = n.payment_reference AND r.status = 'committed'
    WHERE n.ticket_reference IS NOT NULL
      AND (SELECT shop_id FROM channel_file WHERE id = :file) IS NULL
), moved AS (
    SELECT t.code, e.amount_fen
    FROM orders o JOIN ledger.transfer t ON t.key = o.id::text
        AND t.code IN ('redeemed', 'freeze_committed')
    JOIN ledger.entry e ON e.transfer_id = t.id
    JOIN ledger.account a ON a.id = e.account_id AND a.stage = 'committed'
    UNION ALL
    SELECT t.code, e.amount_fen
    FROM orders o JOIN redemption_refund f ON f.redemption_id = o.id
    JOIN ledger.transfer t ON t.key = f.id::text AND t.code = 'refunded'
    JOIN ledger.entry e ON e.transfer_id = t.id
    JOIN ledger.account a ON a.id = e.account_id AND a.stage = 'committed'
)
SELECT (SELECT count(*) FROM orders) AS orders,
    (SELECT coalesce(sum(r.discount_fen), 0) FROM orders o JOIN redemption r ON r.id = o.id)
        AS discount_fen,
    (SELECT coalesce(sum(r.refunded_discount_fen), 0)
     FROM orders o JOIN redemption r ON r.id = o.id) AS refunded_fen,
    coalesce(sum(amount_fen) FILTER (WHERE code <> 'refunded'), 0) AS committed_fen,
    -coalesce(sum(amount_fen) FILTER (WHERE code = 'refunded'), 0) AS undone_fen
FROM moved
""")


@dataclass(frozen=True, slots=True)
class Tie:
    """Orders of ours in a file: their subsidy and what was refunded of it, by the redemptions and
    by the ledger's entries.
    """

    orders: int
    subsidy: Money
    refunded: Money
    subsidy_in_ledger: Money
    refunded_in_ledger: Money

    @property
    def holds(self) -> bool:
        """Whether both say the same."""
        here = self.subsidy, self.refunded
        return here == (self.subsidy_in_ledger, self.refunded_in_ledger)


def tie(session: Session, *, file: UUID) -> Tie:
    """Both sums of a file's orders, as they stand now."""
    session.execute(text("SET LOCAL statement_timeout = '5min'"))
    row = session.execute(_TIE, {"file": file}).one()
    sums = (row.discount_fen, row.refunded_fen, row.committed_fen, row.undone_fen)
    return Tie(int(row.orders), *(Money(int(one)) for one in sums))
