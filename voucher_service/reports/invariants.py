"""The invariants of the books, each as one SQL statement that returns its breaches.

A statement returns rows of one text column; no row means that the invariant holds. The names are
those of the protocol pages: L for the ledger, I for the quotas, A for approvals and the audit
trail. No statement takes longer than one pass over the tables it names.
"""

from __future__ import annotations

from . import (
    application_invariants,
    kept_invariants,
    review_invariants,
    sale_invariants,
    settlement_invariants,
)

# While one of these is broken no money leaves.
STOPS_PAYOUTS = frozenset({"L1", "L2", "L3", "L4", "L5", "L6"})

_SUMS = {
    "L1 all entries add up to nothing": """
        SELECT 'the sum is ' || sum(amount_fen) FROM ledger.entry HAVING sum(amount_fen) <> 0""",
    "L2 every transfer has legs that add up to nothing": """
        SELECT 'transfer ' || coalesce(t.id, e.transfer_id) FROM ledger.transfer t
        FULL JOIN (SELECT transfer_id, count(*) AS legs, sum(amount_fen) AS fen
                   FROM ledger.entry GROUP BY transfer_id) e ON e.transfer_id = t.id
        WHERE t.id IS NULL OR coalesce(e.legs, 0) < 2 OR e.fen <> 0""",
    # A refund takes from its pool what was folded over the lines; the next fold takes it from them.
    # A merchant may be owed what the bank sent back of its money, until that is paid again.
    "L3 no account but the appropriation and what merchants owe is overdrawn": """
        WITH back AS (SELECT a.owner_id, sum(e.amount_fen) AS fen
                      FROM ledger.transfer t JOIN ledger.entry e ON e.transfer_id = t.id
                      JOIN ledger.account a ON a.id = e.account_id
                      WHERE t.code IN ('sent_back', 'paid_again') AND a.stage = 'receivable'
                      GROUP BY a.owner_id)
        SELECT a.owner_type || ' ' || a.owner_id || ' ' || a.stage || ' holds ' || s.fen
        FROM ledger.account a JOIN (SELECT account_id, sum(amount_fen) AS fen
            FROM ledger.entry GROUP BY account_id) s ON s.account_id = a.id
        LEFT JOIN back b ON a.owner_type = 'merchant' AND b.owner_id = a.owner_id
        WHERE s.fen < -greatest(b.fen, 0) AND a.stage NOT IN ('appropriation', 'receivable')
                AND NOT (a.owner_type LIKE 'pool%' AND a.stage = 'committed')
            OR s.fen > greatest(b.fen, 0) AND a.stage IN ('appropriation', 'receivable')""",
    "L6 each campaign's money adds up: what came, what stands, what was spent": """
        WITH places AS (SELECT id AS owner_id, campaign_id FROM budget_line
                        UNION ALL SELECT id, campaign_id FROM offer),
        own AS (SELECT p.campaign_id, sum(e.amount_fen) AS fen
                FROM places p JOIN ledger.account a USING (owner_id)
                    JOIN ledger.entry e ON e.account_id = a.id
                GROUP BY p.campaign_id),
        -- what funds and allotments gave to the campaign, and took back
        given AS (SELECT c.campaign_id, sum(e.amount_fen) AS fen
                  FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                  CROSS JOIN LATERAL (
                      SELECT p.campaign_id FROM ledger.entry f
                      JOIN ledger.account b ON b.id = f.account_id
                      JOIN places p ON p.owner_id = b.owner_id
                      WHERE f.transfer_id = e.transfer_id LIMIT 1) c
                  WHERE a.owner_type IN ('fund', 'allotment') GROUP BY c.campaign_id)
        SELECT 'campaign ' || campaign_id || ': ' || coalesce(own.fen, 0) + coalesce(given.fen, 0)
        FROM own FULL JOIN given USING (campaign_id)
        WHERE coalesce(own.fen, 0) + coalesce(given.fen, 0) <> 0
        UNION ALL
        SELECT 'account of nobody: ' || a.owner_type || ' ' || a.owner_id FROM ledger.account a
        WHERE (a.owner_type = 'line' OR a.owner_type LIKE 'pool%')
            AND NOT EXISTS (SELECT FROM places p WHERE p.owner_id = a.owner_id)""",
    "L6 what a fund or an allotment was given is what it has, passed on or returned": """
        SELECT a.owner_type || ' ' || a.owner_id FROM ledger.account a
        JOIN ledger.entry e ON e.account_id = a.id WHERE a.owner_type IN ('fund', 'allotment')
        GROUP BY a.owner_type, a.owner_id HAVING sum(e.amount_fen) <> 0""",
    "L6 what funds and allotments passed on is what came to those below": """
        WITH place AS (SELECT 'fund' AS kind, id, id AS fund_id FROM fund
                       UNION ALL SELECT 'allotment', id, fund_id FROM allotment
                       UNION ALL SELECT 'line', l.id, a.fund_id
                           FROM budget_line l JOIN allotment a ON a.id = l.allotment_id)
        SELECT 'fund ' || p.fund_id || ': ' || sum(e.amount_fen) FROM place p
        JOIN ledger.account a ON a.owner_type = p.kind AND a.owner_id = p.id
        JOIN ledger.entry e ON e.account_id = a.id
        WHERE a.stage = 'passed_on' OR (a.stage = 'appropriation' AND p.kind <> 'fund')
            OR (a.stage = 'returned' AND p.kind = 'line')
        GROUP BY p.fund_id HAVING sum(e.amount_fen) <> 0""",
}

# One campaign's pools and lines against its vouchers, redemptions and folds.
_MONEY = {
    "L4 outstanding money is the value of live vouchers that nobody froze": """
        WITH live AS (SELECT offer_id, sum(face_value_fen - spent_fen) AS fen FROM voucher
                      WHERE status IN ('claimed', 'frozen') GROUP BY offer_id),
        frozen AS (SELECT offer_id, sum(discount_fen) AS fen FROM redemption
                   WHERE status = 'frozen' AND voucher_id IS NOT NULL GROUP BY offer_id),
        money AS (SELECT a.owner_id AS offer_id, sum(e.amount_fen) AS fen
                  FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                  WHERE a.owner_type = 'pool' AND a.stage = 'outstanding' GROUP BY a.owner_id)
        SELECT 'offer ' || offer_id || ': vouchers '
            || coalesce(live.fen, 0) - coalesce(frozen.fen, 0) || ', ledger '
            || coalesce(money.fen, 0)
        FROM live FULL JOIN frozen USING (offer_id) FULL JOIN money USING (offer_id)
        WHERE coalesce(live.fen, 0) - coalesce(frozen.fen, 0) <> coalesce(money.fen, 0)
            AND offer_id NOT IN (SELECT offer_id FROM application_pool)""",
    "L5 frozen money is that of frozen redemptions": """
        WITH held AS (SELECT offer_id, sum(discount_fen) AS fen FROM redemption
                      WHERE status = 'frozen' GROUP BY offer_id),
        money AS (SELECT a.owner_id AS offer_id, sum(e.amount_fen) AS fen
                  FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                  WHERE a.owner_type = 'pool' AND a.stage = 'frozen' GROUP BY a.owner_id)
        SELECT 'offer ' || offer_id || ': redemptions ' || coalesce(held.fen, 0) || ', ledger '
            || coalesce(money.fen, 0)
        FROM held FULL JOIN money USING (offer_id)
        WHERE coalesce(held.fen, 0) <> coalesce(money.fen, 0)""",
    "L7 what was folded and what is still to fold is what was redeemed": """
        WITH spent AS (SELECT offer_id, sum(discount_fen - refunded_discount_fen) AS fen
                       FROM redemption WHERE status = 'committed' GROUP BY offer_id),
        folded AS (SELECT offer_id, sum(folded_fen) AS fen
                   FROM budget_reservation GROUP BY offer_id),
        waiting AS (SELECT a.owner_id AS offer_id, sum(e.amount_fen) AS fen
                    FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                    WHERE a.owner_type LIKE 'pool%' AND a.stage = 'committed' GROUP BY a.owner_id)
        SELECT 'offer ' || o.id || ': redeemed ' || coalesce(spent.fen, 0) || ', folded '
            || coalesce(folded.fen, 0) || ', to fold ' || coalesce(waiting.fen, 0)
        FROM offer o LEFT JOIN spent ON spent.offer_id = o.id
            LEFT JOIN folded ON folded.offer_id = o.id
            LEFT JOIN waiting ON waiting.offer_id = o.id
        WHERE coalesce(spent.fen, 0) <> coalesce(folded.fen, 0) + coalesce(waiting.fen, 0)
            AND o.id NOT IN (SELECT offer_id FROM application_pool)""",
    "L7 a line's committed money is the sum of its folds and of what revisions add": """
        WITH folds AS (SELECT line_id, sum(fen) AS fen FROM (
                           SELECT line_id, folded_fen AS fen FROM budget_reservation
                           UNION ALL SELECT line_id, amount_fen FROM revision_share) parts
                       GROUP BY line_id),
        money AS (SELECT a.owner_id AS line_id, sum(e.amount_fen) AS fen
                  FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                  WHERE a.owner_type = 'line' AND a.stage IN ('committed', 'settled')
                  GROUP BY a.owner_id)
        SELECT 'line ' || folds.line_id FROM folds LEFT JOIN money USING (line_id)
        WHERE folds.fen <> coalesce(money.fen, 0)""",
    "L7 the balance row of a fund or an allotment is the sum of its entries": """
        WITH place AS (SELECT 'fund' AS kind, id, available_fen FROM fund
                       UNION ALL SELECT 'allotment', id, available_fen FROM allotment)
        SELECT p.kind || ' ' || p.id FROM place p
        LEFT JOIN ledger.account a
            ON a.owner_type = p.kind AND a.owner_id = p.id AND a.stage = 'available'
        LEFT JOIN ledger.entry e ON e.account_id = a.id
        GROUP BY p.kind, p.id, p.available_fen
        HAVING p.available_fen <> coalesce(sum(e.amount_fen), 0)""",
    "L7 a balance mark is the sum of the entries it stands for": """
        SELECT 'account ' || m.account_id || ' at ' || m.at
        FROM (SELECT account_id, at, lag(at, 1, '-infinity') OVER w AS since,
                  balance_fen - lag(balance_fen, 1, 0) OVER w AS fen
              FROM balance_mark WINDOW w AS (PARTITION BY account_id ORDER BY at)) m
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(e.amount_fen), 0) AS fen FROM ledger.entry e
            WHERE e.account_id = m.account_id AND e.occurred_at > m.since
                AND e.occurred_at <= m.at AND e.xid < (SELECT xid FROM balance_horizon)) s
        WHERE m.fen <> s.fen""",
    "L9 what was issued is redeemed, lapsed or live": """
        WITH money AS (SELECT a.owner_id AS offer_id, sum(e.amount_fen) AS fen
                       FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                       JOIN ledger.transfer t ON t.id = e.transfer_id
                       WHERE a.owner_type = 'pool' AND a.stage = 'outstanding'
                           AND t.code IN ('claimed', 'claim_undone') GROUP BY a.owner_id),
        found AS (SELECT offer_id, sum(CASE status WHEN 'expired' THEN spent_fen
                      ELSE face_value_fen END) AS fen
                  FROM voucher WHERE status <> 'returned' GROUP BY offer_id)
        SELECT 'offer ' || offer_id || ': issued less lapsed ' || coalesce(money.fen, 0)
            || ', redeemed and live ' || coalesce(found.fen, 0)
        FROM money FULL JOIN found USING (offer_id)
        WHERE coalesce(money.fen, 0) <> coalesce(found.fen, 0)""",
    "L9 each offer's reserved money covers exactly what was published": """
        SELECT 'offer ' || o.id FROM offer o JOIN budget_reservation r ON r.offer_id = o.id
        GROUP BY o.id HAVING sum(r.reserved_fen) <> o.quota * o.face_value_fen * o.pieces""",
    "L9 no line promises more than it has": """
        SELECT 'line ' || l.id FROM budget_line l JOIN budget_reservation r ON r.line_id = l.id
        GROUP BY l.id HAVING sum(r.reserved_fen) > l.amount_fen""",
    # Of programmes in which nothing was redeemed since a minute before they were reconciled.
    "L10 leveraged spending is the sum of committed orders net of refunds": """
        WITH told AS (SELECT programme_id, key::uuid AS offer_id, sum(leveraged_fen) AS fen
                      FROM rollup WHERE dimension = 'offer' AND basis = 'period'
                      GROUP BY programme_id, key),
        orders AS (SELECT offer_id, sum(order_amount_fen - refunded_fen) AS fen
                   FROM redemption WHERE status = 'committed' GROUP BY offer_id),
        moves AS (SELECT a.owner_id AS offer_id, t.recorded_at
                  FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                  JOIN ledger.transfer t ON t.id = e.transfer_id
                  WHERE a.owner_type LIKE 'pool%' AND a.stage = 'committed' AND t.code <> 'folded'
                  UNION ALL SELECT r.offer_id, f.recorded_at
                  FROM redemption_refund f JOIN redemption r ON r.id = f.redemption_id),
        moved AS (SELECT offer_id, max(recorded_at) AS newest FROM moves GROUP BY offer_id)
        SELECT 'offer ' || told.offer_id || ': reported ' || told.fen || ', orders '
            || coalesce(orders.fen, 0)
        FROM told JOIN rollup_run r USING (programme_id) LEFT JOIN orders USING (offer_id)
            LEFT JOIN moved USING (offer_id)
        WHERE told.fen <> coalesce(orders.fen, 0)
            AND coalesce(moved.newest, '-infinity') < r.started_at - interval '1 minute'""",
    "L12 what was counted day by day is what the last full recount found": """
        SELECT 'programme ' || p.slug || ': ' || r.differing || ' of ' || r.proved_cells || ' cells'
            || coalesce((SELECT ', first ' || string_agg(concat_ws(' ', of_table, figure,
                    'was', stood, 'is', again, cell), '; ' ORDER BY id)
                FROM (SELECT * FROM rollup_wrong_cell w WHERE w.programme_id = p.id
                    ORDER BY id LIMIT 3) w), '')
        FROM rollup_run r JOIN programme p ON p.id = r.programme_id WHERE r.differing > 0""",
    "L11 what merchants owe is what was refunded of what they had been paid": """
        WITH refunded AS (SELECT r.merchant_id, sum(f.subsidy_part_fen) AS fen
                          FROM redemption_refund f JOIN redemption r ON r.id = f.redemption_id
                          WHERE f.recovery = 'claw_back'
                              OR f.recovery = 'net_off' AND r.phase = 'paid'
                          GROUP BY r.merchant_id),
        owed AS (SELECT a.owner_id AS merchant_id, -sum(e.amount_fen) AS fen
                 FROM ledger.transfer t JOIN ledger.entry e ON e.transfer_id = t.id
                 JOIN ledger.account a ON a.id = e.account_id
                 WHERE t.code = 'clawed_back' AND a.stage = 'receivable' GROUP BY a.owner_id)
        SELECT 'merchant ' || merchant_id || ': refunded ' || coalesce(refunded.fen, 0)
            || ', owed ' || coalesce(owed.fen, 0)
        FROM refunded FULL JOIN owed USING (merchant_id)
        WHERE coalesce(refunded.fen, 0) <> coalesce(owed.fen, 0)""",
}

# Guarded are the schemas of the books, and whatever table elsewhere has their trigger.
_RULES = {
    "L8 the application may not rewrite the books": """
        SELECT 'voucher_app may ' || verb || ' ' || c.oid::regclass
        FROM pg_class c, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS verb
        WHERE c.relkind = 'r' AND has_table_privilege('voucher_app', c.oid, verb)
            AND (c.relnamespace IN ('ledger'::regnamespace, 'audit'::regnamespace)
                OR EXISTS (SELECT FROM pg_trigger g
                    WHERE g.tgrelid = c.oid AND g.tgname = 'append_only'))""",
    "L8 triggers guard and weigh the books": """
        WITH wanted AS (
            SELECT oid AS book, 'append_only' AS guard FROM pg_class WHERE relkind = 'r'
                AND relnamespace IN ('ledger'::regnamespace, 'audit'::regnamespace)
            UNION SELECT tgrelid, 'append_only' FROM pg_trigger WHERE tgname = 'append_only'
            UNION SELECT 'ledger.transfer'::regclass, 'balanced'
            UNION SELECT 'ledger.entry'::regclass, 'balanced')
        SELECT 'no trigger ' || guard || ' on ' || book::regclass FROM wanted
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = book
            AND g.tgname = guard AND g.tgenabled IN ('O', 'A'))""",
}

LEDGER = _SUMS | _MONEY | application_invariants.MONEY | _RULES

QUOTAS = {
    "I1 no release is over-issued and no slot is held twice": """
        SELECT 'release ' || v.release_id || ': ' || count(*) || ' of ' || r.quota
        FROM voucher v JOIN release r ON r.id = v.release_id WHERE v.holds_slot
        GROUP BY v.release_id, r.quota
        HAVING count(*) > r.quota OR count(*) <> count(DISTINCT v.slot) OR max(v.slot) > r.quota""",
    "I1 releases stay within their offer's quota": """
        SELECT 'offer ' || o.id FROM offer o JOIN release r ON r.offer_id = o.id
        GROUP BY o.id HAVING sum(r.quota) > o.quota""",
    "I2 nobody holds more than the limit": """
        SELECT 'a resident holds ' || count(*) || ' of offer ' || v.offer_id
        FROM voucher v JOIN offer o ON o.id = v.offer_id WHERE v.holds_slot
        GROUP BY v.offer_id, v.resident_id, o.per_resident_limit
        HAVING count(*) > o.per_resident_limit""",
    "I5 no claim outside its release's window, or a later one's that leftovers flow into": """
        SELECT 'voucher ' || v.id FROM voucher v JOIN offer o ON o.id = v.offer_id
        JOIN release own ON own.id = v.release_id
        WHERE NOT EXISTS (
            SELECT FROM release r WHERE r.offer_id = v.offer_id
                AND (r.id = own.id OR o.lapse_returns AND r.closes_at > own.closes_at)
                AND v.occurred_at BETWEEN r.opens_at - interval '50 ms'
                    AND r.closes_at + interval '10 s')""",
    "I8 money claimed is the value of vouchers ever written": """
        WITH written AS (SELECT offer_id, sum(face_value_fen) AS fen
                         FROM voucher GROUP BY offer_id),
        money AS (SELECT a.owner_id AS offer_id, sum(e.amount_fen) AS fen
                  FROM ledger.transfer t JOIN ledger.entry e ON e.transfer_id = t.id
                  JOIN ledger.account a ON a.id = e.account_id
                  WHERE t.code = 'claimed' AND a.stage = 'outstanding' GROUP BY a.owner_id)
        SELECT 'offer ' || coalesce(written.offer_id, money.offer_id)
        FROM written FULL JOIN money USING (offer_id)
        WHERE coalesce(written.fen, 0) <> coalesce(money.fen, 0)""",
    "I9 no voucher is of a later epoch than its offer": """
        SELECT 'voucher ' || v.id FROM voucher v JOIN offer o ON o.id = v.offer_id
        WHERE v.epoch > o.epoch""",
    "R1 a voucher is redeemed exactly when its redemptions used it up": """
        SELECT 'voucher ' || v.id FROM voucher v JOIN offer o ON o.id = v.offer_id
        LEFT JOIN (SELECT voucher_id, sum(discount_fen) AS fen
                   FROM redemption WHERE status = 'committed' GROUP BY voucher_id) r
            ON r.voucher_id = v.id
        LEFT JOIN (SELECT r.voucher_id, sum(f.value_back_fen) AS fen
                   FROM redemption_refund f JOIN redemption r ON r.id = f.redemption_id
                   GROUP BY r.voucher_id) back ON back.voucher_id = v.id
        WHERE coalesce(r.fen, 0) - coalesce(back.fen, 0) <> v.spent_fen
           OR (v.status = 'redeemed') <> (v.spent_fen > 0
               AND (o.kind NOT IN ('pack', 'balance') OR v.spent_fen = v.face_value_fen))""",
    "R2 every redemption meets its offer's threshold within the voucher's validity": """
        SELECT 'redemption ' || r.id
        FROM redemption r JOIN voucher v ON v.id = r.voucher_id JOIN offer o ON o.id = r.offer_id
        -- valid_from moves when a refund brings a voucher back; a freeze may end a little late
        WHERE r.status = 'committed' AND (r.order_amount_fen < o.threshold_fen
            OR r.occurred_at < v.occurred_at OR r.offer_id <> v.offer_id
            OR r.occurred_at >= v.valid_until
                + CASE WHEN r.freeze_expires_at IS NULL THEN interval '0' ELSE '5 min' END)""",
    "R3 what was refunded of an order is the sum of its refunds, and nobody got more than all": """
        SELECT 'redemption ' || r.id FROM redemption r
        LEFT JOIN (SELECT redemption_id, sum(amount_fen) AS fen, sum(subsidy_part_fen) AS subsidy,
                       sum(cash_part_fen) AS cash, sum(value_back_fen) AS back
                   FROM redemption_refund GROUP BY redemption_id) f ON f.redemption_id = r.id
        WHERE r.refunded_fen <> coalesce(f.fen, 0) OR r.refunded_discount_fen <> f.subsidy
            OR f.cash > r.paid_fen OR f.back > r.discount_fen
            OR r.refunded_fen > 0 AND r.status <> 'committed'""",
}

RECORDS = {
    "A1 every voucher's birth is in the audit trail": """
        WITH born AS (SELECT jsonb_array_elements_text(detail -> 'ids')::uuid AS id
                      FROM audit.event WHERE action = 'voucher.claimed')
        SELECT 'voucher ' || coalesce(v.id, born.id) FROM voucher v FULL JOIN born ON born.id = v.id
        WHERE v.id IS NULL OR born.id IS NULL""",
    "A2 every redeemed voucher's transition is in the audit trail": """
        WITH spent AS (SELECT object_id::uuid AS id
                       FROM audit.event WHERE action = 'voucher.redeemed')
        SELECT 'voucher ' || v.id FROM voucher v LEFT JOIN spent ON spent.id = v.id
        WHERE v.status = 'redeemed' AND spent.id IS NULL""",
    "A3 what was executed was signed by enough other people": """
        SELECT 'approval ' || a.id FROM approval a
        LEFT JOIN approval_signature s ON s.approval_id = a.id AND s.staff_id <> a.maker_id
        WHERE a.status = 'executed'
        GROUP BY a.id HAVING count(s.staff_id) < a.signatures_needed""",
    "A4 every published campaign has an executed approval": """
        SELECT 'campaign ' || c.id FROM campaign c
        WHERE c.status IN ('published', 'paused', 'closed') AND NOT EXISTS (
            SELECT FROM approval a WHERE a.object_id = c.id AND a.action = 'campaign.publish'
                AND a.status = 'executed')""",
    "A6 every proposal is what the audit trail says was proposed": """
        WITH told AS (SELECT object_id::uuid AS id,
                          max(detail ->> 'payload_sha256') AS sha256,
                          max((detail ->> 'amount_fen')::bigint) AS fen,
                          max((detail ->> 'signatures_needed')::int) AS signatures
                      FROM audit.event
                      WHERE object_type = 'approval'
                          AND action IN ('approval.proposed', 'approval.raised')
                      GROUP BY object_id)
        SELECT 'approval ' || id FROM approval a FULL JOIN told USING (id)
        WHERE a.status IS NULL OR told.sha256 IS NULL OR told.sha256 <> a.payload_sha256
            OR told.fen <> a.amount_fen OR told.signatures > a.signatures_needed""",
    "T1 outside replays, business time is the servers' time": """
        SELECT 'voucher ' || v.id FROM voucher v JOIN offer o ON o.id = v.offer_id
        JOIN campaign c ON c.id = o.campaign_id JOIN programme p ON p.id = c.programme_id
        WHERE NOT p.synthetic AND abs(extract(epoch FROM v.occurred_at - v.recorded_at)) > 60
        UNION ALL
        SELECT 'redemption ' || r.id FROM redemption r JOIN offer o ON o.id = r.offer_id
        JOIN campaign c ON c.id = o.campaign_id JOIN programme p ON p.id = c.programme_id
        WHERE NOT p.synthetic AND (r.occurred_at < r.recorded_at - interval '1 min'
            -- a freeze is recorded when it begins, and committed before it ends
            OR r.occurred_at > greatest(r.recorded_at, r.freeze_expires_at) + interval '1 min')""",
}

# Whether the list, the seed and the places are those of the files, `lotteries.differences` says.
CLOSED_OFFERS = {
    "D2 there is a voucher for everybody who was drawn": """
        SELECT 'lottery ' || l.id
        FROM lottery l JOIN offer o ON o.id = l.offer_id JOIN release r ON r.offer_id = o.id
        WHERE l.status <> 'draft'
        GROUP BY l.id, o.id HAVING l.seats * o.per_resident_limit > sum(r.quota)
        UNION ALL
        SELECT 'lottery ' || lottery_id FROM lottery_entry e JOIN lottery l ON l.id = e.lottery_id
        GROUP BY lottery_id, l.seats, l.waiting HAVING max(rank) > l.seats + l.waiting""",
    "D3 only who was drawn holds a voucher of a lottery's offer, and none before their time": """
        SELECT 'voucher ' || v.id FROM voucher v JOIN lottery l ON l.offer_id = v.offer_id
        LEFT JOIN lottery_entry e ON e.lottery_id = l.id AND e.resident_id = v.resident_id
        WHERE (e.rank IS NULL OR v.occurred_at < l.drawn_at - interval '50 ms'
            OR e.rank > l.seats AND v.occurred_at < l.waiting_from - interval '50 ms')
        -- 90 days after the draw places are parted from residents
        AND NOT EXISTS (SELECT FROM lottery_entry f WHERE f.lottery_id = l.id
            AND f.rank IS NOT NULL AND f.resident_id IS NULL)""",
    "P1 an offer for lists is held by people on them only": """
        SELECT 'voucher ' || v.id FROM voucher v
        WHERE EXISTS (SELECT FROM push p WHERE p.offer_id = v.offer_id AND p.reserved)
        AND NOT EXISTS (SELECT FROM push p JOIN push_line n ON n.push_id = p.id
            WHERE p.offer_id = v.offer_id AND n.resident_id = v.resident_id AND n.chosen)""",
    "P2 who was given one by a push holds it": """
        SELECT 'push ' || p.id || ' line ' || n.number
        FROM push p JOIN push_line n ON n.push_id = p.id
        WHERE n.result = 'given' AND NOT EXISTS (SELECT FROM voucher v
            WHERE v.offer_id = p.offer_id AND v.resident_id = n.resident_id)""",
    # Such a pool reserves at the freeze, not at the claim.
    "Q1 a pool of qualifications gives out no vouchers and has nothing outstanding": """
        SELECT 'pool ' || p.offer_id FROM qualification_pool p
        WHERE EXISTS (SELECT FROM voucher v WHERE v.offer_id = p.offer_id)
            OR EXISTS (SELECT FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                WHERE a.owner_id = p.offer_id AND a.stage = 'outstanding')""",
    "Q2 who holds a qualification is within the year's units and the release's window": """
        SELECT 'qualification ' || q.id FROM qualification q
        WHERE q.holds_slot AND (q.year <> extract(year FROM q.occurred_at AT TIME ZONE
            'Asia/Shanghai') OR NOT EXISTS (SELECT FROM release r WHERE r.offer_id = q.offer_id
                AND q.occurred_at >= r.opens_at AND q.occurred_at < r.closes_at))""",
}

ALL: dict[str, str] = (
    LEDGER
    | QUOTAS
    | RECORDS
    | CLOSED_OFFERS
    | application_invariants.PLACES
    | sale_invariants.SALES
    | review_invariants.REVIEWS
    | settlement_invariants.SETTLEMENT
    | kept_invariants.KEPT
)
