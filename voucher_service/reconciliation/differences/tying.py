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
# A bank's file names payments, the ledger which batch was paid. What a batch's paid lines cost the
# funders is what is due in them, without what was refunded while the batch ran. Of a line that the
# bank sent back, what was refunded since it was paid is left over: it came off by the refund.
_TIE_BATCHES = text("""
WITH payments AS (
    SELECT DISTINCT payment_id AS id FROM channel_line
    WHERE file_id = :file AND kind = 'payment' AND payment_id IS NOT NULL
      AND finding <> 'undone'
), batches AS (
    SELECT DISTINCT s.batch_id AS id
    FROM payments n JOIN settlement_payment p ON p.id = n.id AND p.answer = 'paid'
    JOIN settlement_line s ON s.id = p.line_id
), cost AS (
    SELECT CASE s.status WHEN 'paid' THEN i.due_fen - f.running ELSE f.since END AS fen
    FROM batches b JOIN settlement_line s ON s.batch_id = b.id AND s.status IN ('paid', 'due')
    JOIN settlement_item i ON i.line_id = s.id AND i.live
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(subsidy_part_fen) FILTER (WHERE phase = 'batched'), 0) AS running,
            coalesce(sum(subsidy_part_fen) FILTER (WHERE phase = 'paid'), 0) AS since
        FROM redemption_refund r
        WHERE r.redemption_id = i.redemption_id AND r.recovery IN ('net_off', 'claw_back')) f
    UNION ALL
    SELECT s.due_fen
    FROM batches b JOIN settlement_line s ON s.batch_id = b.id AND s.status = 'paid'
    WHERE s.kind = 'person'
), moved AS (
    SELECT e.amount_fen AS fen
    FROM ledger.transfer t JOIN batches b ON split_part(t.key, ':', 1) = b.id::text
    JOIN ledger.entry e ON e.transfer_id = t.id
    JOIN ledger.account a ON a.id = e.account_id AND a.stage = 'settled'
    WHERE t.code IN ('settled', 'sent_back') AND t.key LIKE '%:%'
)
SELECT (SELECT count(*) FROM payments) AS orders,
    (SELECT coalesce(sum(fen), 0) FROM cost) AS discount_fen, 0 AS refunded_fen,
    (SELECT coalesce(sum(fen), 0) FROM moved) AS committed_fen, 0 AS undone_fen
""")


@dataclass(frozen=True, slots=True)
class Tie:
    """Orders of ours in a file: their subsidy and what was refunded of it, by the redemptions and
    by the ledger's entries. Of a bank's file: its payments, and what the batches that they paid
    cost the funders, by the lines and by the ledger's entries.
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


def tie(session: Session, *, file: UUID, of_bank: bool) -> Tie:
    """Both sums of a file's orders, or of its payments' batches, as they stand now."""
    session.execute(text("SET LOCAL statement_timeout = '5min'"))
    row = session.execute(_TIE_BATCHES if of_bank else _TIE, {"file": file}).one()
    sums = (row.discount_fen, row.refunded_fen, row.committed_fen, row.undone_fen)
    return Tie(int(row.orders), *(Money(int(one)) for one in sums))
