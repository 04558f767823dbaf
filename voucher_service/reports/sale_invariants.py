"""The invariants of subsidised sales, each as one SQL statement that returns its breaches.

As `invariants`: rows of one text column, none while the invariant holds.
"""

from __future__ import annotations

SALES = {
    "Q4 a sale is as its redemption stands": """
        SELECT 'redemption ' || coalesce(r.id, s.redemption_id)
        FROM (SELECT * FROM redemption WHERE qualification_id IS NOT NULL) r
        FULL JOIN trade_in_sale s ON s.redemption_id = r.id
        WHERE r.id IS NULL OR s.redemption_id IS NULL
            OR (s.qualification_id, s.offer_id, s.merchant_id, s.shop_id)
                <> (r.qualification_id, r.offer_id, r.merchant_id, r.shop_id)
            OR s.status <> CASE WHEN r.status = 'frozen' THEN 'frozen'
                WHEN r.status = 'committed' AND r.refunded_fen < r.order_amount_fen THEN 'sold'
                ELSE 'undone' END
            OR s.status <> 'undone' AND (s.price_fen <> r.order_amount_fen - r.refunded_fen
                OR s.subsidy_fen <> r.discount_fen - r.refunded_discount_fen)""",
    "Q4 a qualification is frozen or used exactly when one sale of it stands": """
        SELECT 'qualification ' || q.id
        FROM qualification q LEFT JOIN trade_in_sale s
            ON s.qualification_id = q.id AND s.status <> 'undone'
        WHERE q.status <> CASE s.status WHEN 'frozen' THEN 'frozen' WHEN 'sold' THEN 'used'
                ELSE q.status END
            OR s.redemption_id IS NULL AND q.status IN ('frozen', 'used')
            OR (q.subsidy_fen, q.resident_id, q.offer_id, q.category)
                <> (s.subsidy_fen, s.resident_id, s.offer_id, s.category)
        UNION ALL
        SELECT 'qualification ' || qualification_id || ' has ' || count(*) || ' sales'
        FROM trade_in_sale WHERE status <> 'undone'
        GROUP BY qualification_id HAVING count(*) > 1""",
    "Q5 what is used and frozen of a pool is within its money": """
        SELECT 'pool ' || used.offer_id || ': ' || used.fen || ' of ' || coalesce(had.fen, 0)
        FROM (SELECT offer_id, sum(subsidy_fen) AS fen FROM qualification GROUP BY offer_id) used
        LEFT JOIN (SELECT offer_id, sum(reserved_fen) AS fen
                   FROM budget_reservation GROUP BY offer_id) had USING (offer_id)
        WHERE used.fen > coalesce(had.fen, 0)""",
    "Q6 a unit is sold once: every sale that stands holds its numbers, and no other does": """
        SELECT 'sale ' || s.redemption_id FROM trade_in_sale s
        LEFT JOIN (SELECT sale_id, count(*) FILTER (WHERE holds) AS held,
                       count(*) FILTER (WHERE kind = 'serial') AS serials,
                       count(*) FILTER (WHERE kind = 'imei') AS imeis
                   FROM sold_unit GROUP BY sale_id) u ON u.sale_id = s.redemption_id
        WHERE u.sale_id IS NULL OR u.serials <> 1 OR u.imeis <> num_nonnulls(s.imei1, s.imei2)
            OR u.held <> CASE s.status WHEN 'undone' THEN 0 ELSE u.serials + u.imeis END
        UNION ALL
        SELECT kind || ' ' || number FROM sold_unit WHERE holds
        GROUP BY kind, number HAVING count(*) > 1""",
}
