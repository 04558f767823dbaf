"""The invariants of reviews, each as one SQL statement that returns its breaches.

As `invariants`: rows of one text column, none while the invariant holds.
"""

from __future__ import annotations

REVIEWS = {
    "R1 a sale may be paid exactly when a second person released its line": """
        SELECT 'sale ' || v.id FROM sale_review v
        WHERE v.status = 'released' AND NOT EXISTS (
            SELECT FROM review_line l
            JOIN approval a ON a.object_id = l.batch_id
            WHERE l.batch_id = v.batch_id AND l.subject_id = v.id AND l.released
                AND a.action = 'sale_review.release' AND a.status = 'executed')
        UNION ALL
        SELECT 'line of sale ' || l.subject_id FROM review_line l
        JOIN review_batch b ON b.id = l.batch_id AND b.subject = 'sale'
        LEFT JOIN sale_review v ON v.id = l.subject_id AND v.batch_id = l.batch_id
        WHERE l.released AND v.status IS DISTINCT FROM 'released'""",
    "R2 a sale that was batched has its invoice, and lies in its batch": """
        SELECT 'sale ' || v.id FROM sale_review v
        LEFT JOIN sale_evidence e ON e.sale_id = v.id AND e.kind = 'invoice'
        LEFT JOIN review_line l ON l.batch_id = v.batch_id AND l.subject_id = v.id
        WHERE v.status IN ('batched', 'released', 'refused')
            AND (e.number IS NULL OR l.batch_id IS NULL)""",
}
