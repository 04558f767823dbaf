"""What still ties the house to a person, read from the features' tables; decides nothing."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from .model import Ties

_TIES = text("""
WITH mine AS (
    SELECT offer_id FROM voucher WHERE resident_id = :resident
    UNION SELECT offer_id FROM qualification WHERE resident_id = :resident
    UNION SELECT place.offer_id FROM application_place place WHERE place.resident_id = :resident
    UNION SELECT lottery.offer_id FROM lottery_entry entry
        JOIN lottery ON lottery.id = entry.lottery_id WHERE entry.resident_id = :resident
)
SELECT
    EXISTS (SELECT FROM voucher
            WHERE resident_id = :resident AND status IN ('claimed', 'frozen'))
    OR EXISTS (SELECT FROM qualification
               WHERE resident_id = :resident AND status IN ('claimed', 'frozen'))
    OR EXISTS (SELECT FROM qualification_waiting
               WHERE resident_id = :resident AND ended_at IS NULL) AS rights,
    EXISTS (SELECT FROM application
            WHERE resident_id = :resident
                AND status NOT IN ('rejected', 'withdrawn', 'lapsed', 'paid'))
    OR EXISTS (SELECT FROM trade_in_sale sale JOIN sale_review review
                   ON review.id = sale.redemption_id
               WHERE sale.resident_id = :resident
                   AND review.status NOT IN ('released', 'undone'))
    OR EXISTS (SELECT FROM revision_line line JOIN revision ON revision.id = line.revision_id
               WHERE line.resident_id = :resident AND line.after_fen > line.before_fen
                   AND line.paid_at IS NULL AND line.kept_fen IS DISTINCT FROM 0
                   AND revision.status NOT IN ('cancelled', 'superseded')) AS processes,
    greatest(
        (SELECT max(campaign.closes_on) FROM mine
            JOIN offer ON offer.id = mine.offer_id
            JOIN campaign ON campaign.id = offer.campaign_id
            WHERE campaign.status <> 'closed'),
        (SELECT make_date(max(year), 12, 31) FROM qualification
            WHERE resident_id = :resident AND status = 'used'),
        (SELECT make_date(max(date_part('year', bought_on))::int, 12, 31) FROM application
            WHERE resident_id = :resident AND status = 'paid')) AS limited_until
""")


def ties(session: Session, resident: UUID) -> Ties:
    """The ties of a resident."""
    row = session.execute(_TIES, {"resident": resident}).one()
    limited: date | None = row.limited_until
    return Ties(row.rights, row.processes, limited)
