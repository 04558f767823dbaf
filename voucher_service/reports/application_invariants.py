"""The invariants of applications for cars, as `invariants` has those of vouchers."""

from __future__ import annotations

MONEY = {
    "L4 outstanding money of applications is what was decided of those under review": """
        WITH decided AS (SELECT p.offer_id, sum(a.subsidy_fen) AS fen
                         FROM application a JOIN application_place p USING (id)
                         WHERE a.status IN ('submitted', 'prechecked', 'sent_back')
                         GROUP BY p.offer_id),
        money AS (SELECT a.owner_id AS offer_id, sum(e.amount_fen) AS fen
                  FROM application_pool p JOIN ledger.account a ON a.owner_id = p.offer_id
                  JOIN ledger.entry e ON e.account_id = a.id
                  WHERE a.stage = 'outstanding' GROUP BY a.owner_id)
        SELECT 'pool ' || offer_id || ': applications ' || coalesce(decided.fen, 0) || ', ledger '
            || coalesce(money.fen, 0)
        FROM decided FULL JOIN money USING (offer_id)
        WHERE coalesce(decided.fen, 0) <> coalesce(money.fen, 0)""",
    "L7 what was granted is folded or still to fold": """
        WITH granted AS (SELECT p.offer_id, sum(a.subsidy_fen) AS fen
                         FROM application a JOIN application_place p USING (id)
                         WHERE a.status IN ('approved', 'payout_refused', 'card_given', 'paid')
                         GROUP BY p.offer_id),
        folded AS (SELECT offer_id, sum(folded_fen) AS fen
                   FROM budget_reservation GROUP BY offer_id),
        waiting AS (SELECT a.owner_id AS offer_id, sum(e.amount_fen) AS fen
                    FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
                    WHERE a.owner_type LIKE 'pool%' AND a.stage = 'committed' GROUP BY a.owner_id)
        SELECT 'pool ' || p.offer_id || ': granted ' || coalesce(granted.fen, 0) || ', folded '
            || coalesce(folded.fen, 0) || ', to fold ' || coalesce(waiting.fen, 0)
        FROM application_pool p LEFT JOIN granted USING (offer_id)
            LEFT JOIN folded USING (offer_id) LEFT JOIN waiting USING (offer_id)
        WHERE coalesce(granted.fen, 0) <> coalesce(folded.fen, 0) + coalesce(waiting.fen, 0)""",
}

PLACES = {
    "Q3 an application holds a place exactly while it is under review or granted": """
        SELECT 'application ' || a.id
        FROM application a LEFT JOIN application_place p USING (id)
        WHERE (a.status NOT IN ('draft', 'rejected', 'withdrawn', 'lapsed'))
            <> coalesce(p.holds_slot, false)
        UNION ALL
        SELECT 'application ' || a.id FROM application a JOIN application_place p USING (id)
        JOIN application_pool o USING (offer_id)
        WHERE p.holds_slot AND (o.scheme <> a.scheme OR p.resident_id <> a.resident_id)""",
    "Q3 a pool of applications gives out nothing else": """
        SELECT 'pool ' || o.offer_id FROM application_pool o
        WHERE EXISTS (SELECT FROM voucher v WHERE v.offer_id = o.offer_id)
            OR EXISTS (SELECT FROM qualification_pool p WHERE p.offer_id = o.offer_id)""",
}
