"""The invariants of settlement, each as one SQL statement that returns its breaches.

As `invariants`: rows of one text column, none while the invariant holds.
"""

from __future__ import annotations

SETTLEMENT = {
    "S1 a batch comes to what its lines and payments come to, a line to its items": """
        WITH l AS (SELECT batch_id, count(*) AS lines, sum(items) AS items, sum(due_fen) AS due,
                       sum(deducted_fen) AS deducted
                   FROM settlement_line WHERE status <> 'left_out' GROUP BY batch_id),
        p AS (SELECT batch_id, count(*) AS payments, sum(amount_fen) AS fen
              FROM settlement_payment WHERE status <> 'withdrawn' GROUP BY batch_id)
        SELECT 'batch ' || b.id FROM settlement b LEFT JOIN l ON l.batch_id = b.id
            LEFT JOIN p ON p.batch_id = b.id
        WHERE b.status <> 'drafting' AND ((b.lines, b.items, b.due_fen, b.deducted_fen, b.payments)
                <> (coalesce(l.lines, 0), coalesce(l.items, 0), coalesce(l.due, 0),
                    coalesce(l.deducted, 0), coalesce(p.payments, 0))
            OR b.status IN ('reviewed', 'approved', 'sent', 'closed')
                AND b.total_fen <> coalesce(p.fen, 0))
        UNION ALL
        SELECT 'line ' || s.id FROM settlement_line s
        LEFT JOIN (SELECT line_id, count(*) AS items, sum(due_fen) AS fen
                   FROM settlement_item WHERE live GROUP BY line_id) i ON i.line_id = s.id
        WHERE s.kind = 'merchant' AND s.status <> 'left_out'
                AND (s.items, s.due_fen) <> (coalesce(i.items, 0), coalesce(i.fen, 0))
            OR s.status = 'left_out' AND i.line_id IS NOT NULL""",
    "S2 a redemption stands in one line, and is as far as that line": """
        SELECT 'redemption ' || i.redemption_id FROM settlement_item i
        JOIN settlement_line s ON s.id = i.line_id JOIN redemption r ON r.id = i.redemption_id
        WHERE i.live AND (r.status <> 'committed'
            OR r.phase <> CASE s.status WHEN 'paid' THEN 'paid' ELSE 'batched' END
            OR r.merchant_id <> s.merchant_id)
        UNION ALL
        SELECT 'redemption ' || redemption_id || ' stands in ' || count(*) || ' lines'
        FROM settlement_item WHERE live GROUP BY redemption_id HAVING count(*) > 1""",
    "S3 what is batched or paid stands in a line": """
        SELECT 'redemption ' || r.id FROM redemption r
        WHERE r.phase <> 'none' AND NOT EXISTS (
            SELECT FROM settlement_item i WHERE i.redemption_id = r.id AND i.live)""",
    "S4 what the ledger settled of a batch is what its paid lines cost the funders": """
        -- what was refunded while the batch ran was never settled; what was refunded after it was
        -- paid came off by the refund, so that of a line that the bank sent back it is left over
        WITH refunded AS (SELECT redemption_id,
                              sum(subsidy_part_fen) FILTER (WHERE phase = 'batched') AS running,
                              sum(subsidy_part_fen) FILTER (WHERE phase = 'paid') AS since
                          FROM redemption_refund WHERE recovery IN ('net_off', 'claw_back')
                          GROUP BY redemption_id),
        paid AS (SELECT s.batch_id, sum(CASE s.status WHEN 'paid'
                          THEN i.due_fen - coalesce(f.running, 0)
                          ELSE coalesce(f.since, 0) END) AS fen
                      FROM settlement_line s JOIN settlement_item i ON i.line_id = s.id AND i.live
                      LEFT JOIN refunded f USING (redemption_id)
                      WHERE s.status IN ('paid', 'due') GROUP BY s.batch_id
                      UNION ALL SELECT batch_id, sum(due_fen) FROM settlement_line
                      WHERE status = 'paid' AND kind = 'person' GROUP BY batch_id),
        cost AS (SELECT batch_id, sum(fen) AS fen FROM paid GROUP BY batch_id),
        moved AS (SELECT split_part(t.key, ':', 1) AS batch, sum(e.amount_fen) AS fen
                  FROM ledger.transfer t JOIN ledger.entry e ON e.transfer_id = t.id
                  JOIN ledger.account a ON a.id = e.account_id
                  WHERE t.code IN ('settled', 'sent_back') AND t.key LIKE '%:%'
                      AND a.stage = 'settled'
                  GROUP BY 1),
        shared AS (SELECT batch_id, sum(settled_fen) AS fen FROM settlement_share GROUP BY batch_id)
        SELECT 'batch ' || b.id || ': paid ' || coalesce(c.fen, 0) || ', ledger '
            || coalesce(m.fen, 0) || ', shares ' || coalesce(s.fen, 0)
        FROM settlement b LEFT JOIN cost c ON c.batch_id = b.id
            LEFT JOIN moved m ON m.batch = CAST(b.id AS text)
            LEFT JOIN shared s ON s.batch_id = b.id
        WHERE coalesce(c.fen, 0) <> coalesce(m.fen, 0)
            OR coalesce(c.fen, 0) <> coalesce(s.fen, 0)""",
    "S5 a line is paid by exactly one payment, or by what its merchant owed": """
        SELECT 'line ' || s.id FROM settlement_line s
        LEFT JOIN (SELECT line_id, count(*) AS payments, sum(amount_fen) AS fen
                   FROM settlement_payment WHERE status = 'paid' GROUP BY line_id) p
            ON p.line_id = s.id
        WHERE (s.status = 'paid') <> (coalesce(p.payments, 0) = 1
                OR s.status = 'paid' AND s.due_fen = s.deducted_fen)
            OR p.payments > 1 OR p.fen <> s.due_fen - s.deducted_fen
        UNION ALL
        SELECT 'payment ' || p.id FROM settlement_payment p
        WHERE p.status IN ('paid', 'bounced') AND p.answer IS DISTINCT FROM p.status
        UNION ALL
        SELECT 'line ' || s.id || ' came back' FROM settlement_line s
        JOIN settlement_payment p ON p.line_id = s.id
        WHERE p.status = 'returned' AND s.status <> 'due'""",
    "S6 what lines deducted and advances paid is what merchants' debts say": """
        WITH told AS (SELECT merchant_id, sum(deducted_fen) FILTER (WHERE kind = 'merchant') AS off,
                          sum(due_fen) FILTER (WHERE kind = 'advance') AS ahead
                      FROM settlement_line s WHERE kind <> 'person' AND (status = 'paid' OR EXISTS (
                          SELECT FROM settlement_payment p
                          WHERE p.line_id = s.id AND p.status = 'returned'))
                      GROUP BY merchant_id),
        moved AS (SELECT a.owner_id AS merchant_id,
                      sum(e.amount_fen) FILTER (WHERE t.code = 'recovered') AS off,
                      -sum(e.amount_fen) FILTER (WHERE t.code = 'paid_ahead') AS ahead
                  FROM ledger.transfer t JOIN ledger.entry e ON e.transfer_id = t.id
                  JOIN ledger.account a ON a.id = e.account_id
                  WHERE t.code IN ('recovered', 'paid_ahead') AND a.stage = 'receivable'
                  GROUP BY a.owner_id)
        SELECT 'merchant ' || merchant_id FROM told FULL JOIN moved USING (merchant_id)
        WHERE (coalesce(told.off, 0), coalesce(told.ahead, 0))
            <> (coalesce(moved.off, 0), coalesce(moved.ahead, 0))""",
    "S7 the funders' shares of a batch add up to what they are to bear": """
        WITH due AS (SELECT batch_id, sum(due_fen) AS fen FROM settlement_line
                     WHERE status <> 'left_out' AND kind <> 'advance' GROUP BY batch_id),
        shared AS (SELECT batch_id, sum(due_fen) AS fen FROM settlement_share GROUP BY batch_id)
        SELECT 'batch ' || b.id FROM settlement b LEFT JOIN due d ON d.batch_id = b.id
            LEFT JOIN shared s ON s.batch_id = b.id
        WHERE b.status NOT IN ('drafting', 'dropped')
            AND coalesce(d.fen, 0) <> coalesce(s.fen, 0)""",
    "S8 who drafts, reviews, signs and pays a batch are different people": """
        SELECT 'batch ' || b.id FROM settlement b
        WHERE b.sent_by IN (b.reviewed_by, b.drafted_by) OR b.reviewed_by = b.drafted_by
            OR EXISTS (SELECT FROM approval_signature g WHERE g.approval_id = b.approval_id
                       AND g.staff_id IN (b.sent_by, b.reviewed_by, b.drafted_by))
            OR (b.status IN ('approved', 'sent') OR b.status = 'closed' AND b.payments > 0)
                AND NOT EXISTS (
                SELECT FROM approval a WHERE a.id = b.approval_id AND a.status = 'executed')""",
    "S9 what came back of money that no funder bears stands on the merchant's account": """
        WITH back AS (SELECT s.id, s.merchant_id, s.due_fen - s.deducted_fen AS fen
                      FROM settlement_line s WHERE s.kind <> 'person' AND EXISTS (
                          SELECT FROM settlement_payment p
                          WHERE p.line_id = s.id AND p.status = 'returned')),
        borne AS (SELECT i.line_id, sum(r.discount_fen - r.refunded_discount_fen
                      + coalesce(f.fen, 0)) AS fen
                  FROM back b JOIN settlement_item i ON i.line_id = b.id AND i.live
                  JOIN redemption r ON r.id = i.redemption_id
                  LEFT JOIN LATERAL (SELECT sum(subsidy_part_fen) AS fen FROM redemption_refund f
                      WHERE f.redemption_id = r.id AND f.recovery = 'net_off') f ON true
                  GROUP BY i.line_id),
        told AS (SELECT b.merchant_id, sum(b.fen - coalesce(o.fen, 0)) AS fen
                 FROM back b LEFT JOIN borne o ON o.line_id = b.id GROUP BY b.merchant_id),
        moved AS (SELECT a.owner_id AS merchant_id, sum(e.amount_fen) AS fen
                  FROM ledger.transfer t JOIN ledger.entry e ON e.transfer_id = t.id
                  JOIN ledger.account a ON a.id = e.account_id
                  WHERE t.code IN ('sent_back', 'paid_again') AND a.stage = 'receivable'
                  GROUP BY a.owner_id)
        SELECT 'merchant ' || merchant_id || ': lines ' || coalesce(told.fen, 0) || ', ledger '
            || coalesce(moved.fen, 0)
        FROM told FULL JOIN moved USING (merchant_id)
        WHERE coalesce(told.fen, 0) <> coalesce(moved.fen, 0)""",
}
