"""What is kept beside the ledger, each against what else is known of it: one SQL statement each.

As `invariants`: rows of one text column, none while the invariant holds. Audit events and transfers
are sealed, so whoever changes one of these rows would have to change the log that is published.
"""

from __future__ import annotations

_FIGURES = (
    *("released_fen", "issued_fen", "redeemed_fen", "leveraged_fen", "refunded_fen", "lapsed_fen"),
    *("threshold_fen", "face_redeemed_fen", "evidenced_fen"),
    *("vouchers_issued", "vouchers_redeemed", "vouchers_lapsed"),
)
_READ = f"""
    SELECT 'programme ' || programme_id || ', ' || basis || ', ' || dimension || ' '
        || coalesce(key, 'none') || ' on ' || day
    FROM (SELECT programme_id, basis, dimension, key, day, 1 AS sign, {", ".join(_FIGURES)}
          FROM rollup
          UNION ALL
          SELECT programme_id, 'period', dimension, key, day, -1, {", ".join(_FIGURES)}
          FROM rollup_cell
          UNION ALL
          SELECT programme_id, 'cohort', dimension, key, claim_day, -1, {", ".join(_FIGURES)}
          FROM rollup_cell) told
    GROUP BY programme_id, basis, dimension, key, day
    HAVING ({", ".join(f"sum(sign * {one})" for one in _FIGURES)})
        <> ({", ".join("0" for _ in _FIGURES)})"""  # noqa: S608 - constants of the code

KEPT = {
    "L12 what reports read is the sum of what was counted": _READ,
    "R4 an order is what the audit trail says: where it was, with what, how much": """
        SELECT 'redemption ' || r.id
        FROM redemption r JOIN audit.event e ON e.object_type = 'redemption'
            AND e.object_id = CAST(r.id AS text)
            AND e.action IN ('redemption.frozen', 'redemption.committed')
        WHERE CAST(e.detail ->> 'order_amount_fen' AS bigint) <> r.order_amount_fen
            OR e.detail ->> 'shop' <> CAST(r.shop_id AS text)
            OR e.detail ->> 'voucher' <> CAST(r.voucher_id AS text)
            OR e.detail ->> 'qualification' <> CAST(r.qualification_id AS text)
        UNION ALL
        SELECT 'redemption ' || r.id || ' is of another merchant than its shop'
        FROM redemption r JOIN shop s ON s.id = r.shop_id WHERE s.merchant_id <> r.merchant_id""",
    "R5 an order took off what the ledger committed for it": """
        SELECT 'redemption ' || r.id
        FROM redemption r LEFT JOIN (
            SELECT t.key, sum(e.amount_fen) AS fen
            FROM ledger.transfer t JOIN ledger.entry e ON e.transfer_id = t.id
            JOIN ledger.account a ON a.id = e.account_id AND a.stage = 'committed'
            WHERE t.code IN ('redeemed', 'freeze_committed') GROUP BY t.key) m
            ON m.key = CAST(r.id AS text)
        WHERE r.status = 'committed' AND coalesce(m.fen, 0) <> r.discount_fen""",
    "R6 a refund is what the audit trail says": """
        SELECT 'refund ' || f.id
        FROM redemption_refund f LEFT JOIN (
            SELECT CAST(detail ->> 'refund' AS uuid) AS id, object_id,
                CAST(detail ->> 'amount_fen' AS bigint) AS fen,
                CAST(detail ->> 'subsidy_fen' AS bigint) AS subsidy
            FROM audit.event WHERE action = 'redemption.refunded') told USING (id)
        WHERE (told.object_id, told.fen, told.subsidy)
            IS DISTINCT FROM (CAST(f.redemption_id AS text), f.amount_fen, f.subsidy_part_fen)""",
    "A7 every signature is in the audit trail": """
        SELECT 'approval ' || s.approval_id FROM approval_signature s
        WHERE NOT EXISTS (
            SELECT FROM audit.event e WHERE e.object_type = 'approval'
                AND e.object_id = CAST(s.approval_id AS text) AND e.action = 'approval.signed'
                AND e.actor = 'staff:' || s.staff_id)""",
    # Those from before answers were put on record are left out; the newest answer is what is shown.
    "A8 an estimate, and what it was made from, are what was answered": """
        SELECT 'estimate ' || m.id
        FROM causal_estimate m LEFT JOIN audit.event e ON e.object_type = 'estimate'
            AND e.object_id = CAST(m.id AS text) AND e.action = 'estimate.made'
        WHERE (e.detail IS NOT NULL OR m.made_at >= (SELECT min(occurred_at) FROM audit.event
                                                     WHERE object_type = 'estimate'))
            AND (e.detail ->> 'verdict', CAST(e.detail ->> 'point' AS float8),
                CAST(e.detail ->> 'low' AS float8), CAST(e.detail ->> 'high' AS float8),
                e.detail ->> 'amounts', e.detail ->> 'file_sha256', e.detail ->> 'kept_sha256')
            IS DISTINCT FROM (m.verdict, m.point, m.low, m.high, m.amounts, m.file_sha256,
                encode(sha256(m.inputs), 'hex'))""",
    "A9 published figures and pledges are what was entered": """
        SELECT 'retail figure ' || f.id
        FROM retail_figure f LEFT JOIN (
            SELECT detail ->> 'retail_figure' AS id, detail FROM audit.event
            WHERE action = 'retail_figure.entered') e ON e.id = CAST(f.id AS text)
        WHERE (e.detail ->> 'sales_fen', e.detail ->> 'source')
                IS DISTINCT FROM (CAST(f.sales_fen AS text), f.source)
            OR e.detail ->> 'growth_bps' <> CAST(f.growth_bps AS text)
            OR e.detail ->> 'first' <> CAST(f.first_day AS text)
            OR e.detail ->> 'last' <> CAST(f.last_day AS text)
        UNION ALL
        SELECT 'pledge ' || p.id FROM pledge p LEFT JOIN approval a ON a.id = p.approval_id
        WHERE (a.payload ->> 'payer', a.payload ->> 'name', a.payload ->> 'programme',
                CAST(a.payload ->> 'amount_fen' AS bigint))
            IS DISTINCT FROM (CAST(p.payer AS text), p.name, CAST(p.programme_id AS text),
                p.amount_fen)
            OR p.status = 'entered' AND a.status <> 'executed'""",
    # Accounts from before they were put on record are compared with their payments only.
    "A12 money goes to the account that was approved for whom it is due": """
        SELECT 'account ' || a.id
        FROM settlement_account a LEFT JOIN audit.event e
            ON e.object_type = 'settlement_account' AND e.object_id = CAST(a.id AS text)
            AND e.action IN ('settlement_account.entered', 'settlement_account.approved')
        WHERE a.status = 'approved' AND (e.detail ->> 'merchant', e.detail ->> 'last4',
                e.detail ->> 'bank', e.detail ->> 'cnaps')
            IS DISTINCT FROM (CAST(a.merchant_id AS text), a.last4, a.bank, a.cnaps)
            AND (e.detail IS NOT NULL OR coalesce(e.occurred_at, a.effective_from) >= (
                SELECT min(occurred_at) FROM audit.event
                WHERE action = 'settlement_account.entered'))
        UNION ALL
        SELECT 'payment ' || p.id
        FROM settlement_payment p JOIN settlement_line l ON l.id = p.line_id
        JOIN settlement_account a ON a.id = p.account_id
        WHERE a.merchant_id <> l.merchant_id""",
    "A11 a published offer, and who pays which share, are what was signed": """
        WITH signed AS (
            SELECT DISTINCT ON (object_id) object_id AS campaign_id, payload FROM approval
            WHERE action = 'campaign.publish' AND status = 'executed'
            ORDER BY object_id, decided_at DESC)
        SELECT 'offer ' || o.id
        FROM signed s CROSS JOIN jsonb_array_elements(s.payload -> 'offers') told
        JOIN offer o ON o.id = CAST(told ->> 'id' AS uuid)
        WHERE o.campaign_id <> s.campaign_id
            OR told ->> 'face_value_fen' <> CAST(o.face_value_fen AS text)
            OR told ->> 'threshold_fen' <> CAST(o.threshold_fen AS text)
            OR told ->> 'rate_bps' IS DISTINCT FROM CAST(o.rate_bps AS text)
            OR told ->> 'quota' <> CAST(o.quota AS text)
        UNION ALL
        SELECT 'line ' || l.id
        FROM signed s CROSS JOIN jsonb_array_elements(s.payload -> 'lines') told
        JOIN budget_line l ON l.id = CAST(told ->> 'id' AS uuid)
        WHERE l.campaign_id <> s.campaign_id OR told ->> 'share_bps' <> CAST(l.share_bps AS text)
            OR told ->> 'shop_area' <> l.shop_area""",
    "A10 a channel's file adds up to its lines": """
        SELECT 'file ' || f.id
        FROM channel_file f LEFT JOIN (
            SELECT file_id, jsonb_object_agg(finding, lines) AS counts, sum(ours) AS ours,
                sum(theirs) AS theirs
            FROM (SELECT file_id, finding, count(*) AS lines, sum(our_paid_fen) FILTER (
                        WHERE kind = 'payment' AND (ordinal = 1 OR file_line IS NULL)) AS ours,
                    sum(their_paid_fen) FILTER (WHERE kind = 'payment') AS theirs
                  FROM channel_line GROUP BY file_id, finding) one
            GROUP BY file_id) l ON l.file_id = f.id
        LEFT JOIN audit.event e ON e.object_type = 'channel_file'
            AND e.object_id = CAST(f.id AS text) AND e.action = 'channel_file.imported'
        WHERE (coalesce(l.ours, 0), coalesce(l.theirs, 0)) <> (f.ours_fen, f.theirs_fen)
            OR l.counts IS DISTINCT FROM (SELECT jsonb_object_agg(key, value)
                                          FROM jsonb_each(f.counts) WHERE value <> '0')
            OR CAST(e.detail ->> 'ours_fen' AS bigint) <> f.ours_fen
            OR CAST(e.detail ->> 'theirs_fen' AS bigint) <> f.theirs_fen""",
}
