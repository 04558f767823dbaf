"""What the papers of a pack say, read from the books in one snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.budgets.model import Level
from voucher_service.infra import areas
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, line
from voucher_service.settlement.model import Batch
from voucher_service.tradein.applications.model import notice_until
from voucher_service.tradein.words import SCHEMES

from .model import SAMPLE, Bank, Borne, Drawn, Facts, Moved, Noticed, Sampled

# Of a budget line; what is in an offer's pool belongs to no line before it is folded.
STAGES = {
    Stage.AVAILABLE: "可用",
    Stage.COMMITTED: "已核销待付",
    Stage.SETTLED: "已付",
    Stage.RETURNED: "已退回",
    Stage.CARRIED: "已结转",
}
_SHARES = text("""
SELECT s.line_id, f.level, f.name AS funder, c.name AS campaign, s.due_fen, s.settled_fen
FROM settlement_share s JOIN budget_line b ON b.id = s.line_id
JOIN funder f ON f.id = b.funder_id JOIN campaign c ON c.id = s.campaign_id
WHERE s.batch_id = :batch
ORDER BY array_position(ARRAY['central','province','city','county','town','merchant','bank'],
    f.level), f.name, c.name, s.line_id
""")
_PROGRAMMES = text("""
SELECT DISTINCT p.name FROM settlement_share s JOIN campaign c ON c.id = s.campaign_id
JOIN programme p ON p.id = c.programme_id WHERE s.batch_id = :batch ORDER BY p.name
""")
_BANK = text("""
SELECT count(*) FILTER (WHERE status = 'paid') AS paid,
    coalesce(sum(amount_fen) FILTER (WHERE status = 'paid'), 0) AS paid_fen,
    count(*) FILTER (WHERE status IN ('bounced', 'corrected') AND returned_at IS NULL) AS bounced,
    coalesce(sum(amount_fen) FILTER (
        WHERE status IN ('bounced', 'corrected') AND returned_at IS NULL), 0) AS bounced_fen,
    count(*) FILTER (WHERE status IN ('returned', 'corrected') AND returned_at IS NOT NULL)
        AS returned,
    coalesce(sum(amount_fen) FILTER (
        WHERE status IN ('returned', 'corrected') AND returned_at IS NOT NULL), 0) AS returned_fen,
    count(*) FILTER (WHERE status IN ('due', 'sent')) AS open,
    coalesce(sum(amount_fen) FILTER (WHERE status IN ('due', 'sent')), 0) AS open_fen
FROM settlement_payment WHERE batch_id = :batch
""")
_SAMPLE = text("""
WITH drawn AS (
    SELECT i.redemption_id, i.due_fen, l.name,
        sha256(CAST(:seed AS bytea) || convert_to(i.redemption_id::text, 'UTF8')) AS place
    FROM settlement_line l JOIN settlement_item i ON i.line_id = l.id AND i.live
    WHERE l.batch_id = :batch AND l.status <> 'left_out' ORDER BY place LIMIT :most
)
SELECT r.id, d.name AS merchant, s.name AS shop, r.order_reference, r.occurred_at,
    r.order_amount_fen, d.due_fen,
    (SELECT min(f.index) FROM audit.event e JOIN log_leaf f ON f.kind = 'event' AND f.number = e.id
     WHERE e.object_type = 'redemption' AND e.object_id = r.id::text AND f.index < :size) AS leaf
FROM drawn d JOIN redemption r ON r.id = d.redemption_id JOIN shop s ON s.id = r.shop_id
ORDER BY d.place
""")
_REVIEWS = text("""
SELECT b.title, b.count AS every, b.seed, b.list_sha256,
    (SELECT count(*) FROM review_line n WHERE n.batch_id = b.id AND n.good IS NOT NULL) AS looked,
    (SELECT count(*) FROM review_line n WHERE n.batch_id = b.id AND NOT n.good) AS bad
FROM review_batch b WHERE b.id IN (
    SELECT v.batch_id FROM settlement_line l JOIN settlement_item i ON i.line_id = l.id AND i.live
    JOIN sale_review v ON v.id = i.redemption_id
    WHERE l.batch_id = :batch AND l.status <> 'left_out'
    UNION SELECT n.batch_id FROM settlement_line l JOIN review_line n ON n.subject_id = l.payout_id
    WHERE l.batch_id = :batch AND l.status <> 'left_out')
ORDER BY b.occurred_at, b.id
""")
_NOTICED = text("""
SELECT l.name, a.scheme, a.area, l.due_fen, a.decided_at
FROM settlement_line l JOIN application a ON a.id = l.payout_id
WHERE l.batch_id = :batch AND l.payout_kind = 'application' AND l.status <> 'left_out'
ORDER BY a.decided_at, a.id
""")
_BETWEEN = text("""
SELECT a.owner_id, a.stage, coalesce(sum(e.amount_fen) FILTER (WHERE e.amount_fen > 0), 0) AS came,
    coalesce(-sum(e.amount_fen) FILTER (WHERE e.amount_fen < 0), 0) AS went
FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
WHERE a.owner_type = 'line' AND a.owner_id = ANY(CAST(:lines AS uuid[]))
    AND e.occurred_at > :first AND e.occurred_at <= :last
GROUP BY a.owner_id, a.stage
""")
_RECORDS = text("""
SELECT count(*) AS every, count(f.index) AS sealed
FROM audit.event e LEFT JOIN log_leaf f
    ON f.kind = 'event' AND f.number = e.id AND f.index < :size
WHERE e.object_type = 'settlement' AND e.object_id = :batch AND e.occurred_at <= :at
    AND e.action NOT LIKE 'finance_pack.%'
""")


def shares(session: Session, batch: Batch) -> list[tuple[UUID, Borne]]:
    """What each budget line bears, by level, funder and campaign."""
    return [
        (
            row.line_id,
            Borne(
                Level(row.level),
                row.funder,
                row.campaign,
                Money(int(row.due_fen)),
                Money(int(row.settled_fen)),
            ),
        )
        for row in session.execute(_SHARES, {"batch": batch.id})
    ]


def programmes(session: Session, batch: Batch) -> list[str]:
    """The names of the programmes that are paid for."""
    return list(session.execute(_PROGRAMMES, {"batch": batch.id}).scalars())


def bank(session: Session, batch: Batch) -> Bank:
    """What the bank said so far."""
    row = session.execute(_BANK, {"batch": batch.id}).one()
    return Bank(
        row.paid,
        Money(int(row.paid_fen)),
        row.bounced,
        Money(int(row.bounced_fen)),
        row.returned,
        Money(int(row.returned_fen)),
        row.open,
        Money(int(row.open_fen)),
    )


def seed_of(batch: Batch, facts: Facts) -> str:
    """What the auditor's sample is drawn by: nobody knew it before the log's head was signed."""
    return hashlib.sha256(f"{facts.root}\n{batch.id}".encode()).hexdigest()


def sample(session: Session, batch: Batch, facts: Facts) -> list[Sampled]:
    """The redemptions with the lowest SHA-256 of the seed and their id."""
    seed = seed_of(batch, facts).encode()
    told = {"batch": batch.id, "seed": seed, "most": SAMPLE, "size": facts.size}
    return [
        Sampled(
            row.id,
            row.merchant,
            row.shop,
            row.order_reference,
            row.occurred_at,
            Money(int(row.order_amount_fen)),
            Money(int(row.due_fen)),
            row.leaf,
        )
        for row in session.execute(_SAMPLE, told)
    ]


def reviews(session: Session, batch: Batch) -> list[Drawn]:
    """The review's own batches that sales and applications of this one came through."""
    return [
        Drawn(row.title, row.every, row.looked, row.bad, row.seed or "", row.list_sha256)
        for row in session.execute(_REVIEWS, {"batch": batch.id})
    ]


def noticed(session: Session, batch: Batch) -> list[Noticed]:
    """What was published of the residents that are paid, as it was published."""
    found = []
    for row in session.execute(_NOTICED, {"batch": batch.id}):
        first, last = day_of(row.decided_at), notice_until(row.decided_at)
        area = areas.name(row.area, "zh_Hans_CN")
        found.append(
            Noticed(row.name, SCHEMES[row.scheme], area, Money(int(row.due_fen)), first, last)
        )
    return found


def moved(
    session: Session, batch: Batch, facts: Facts, borne: list[tuple[UUID, Borne]]
) -> Iterator[Moved]:
    """The accounts of the lines that bear the batch, from its drafting until the pack."""
    accounts = [line(id, stage) for id, _ in borne for stage in STAGES]
    opening = ledger.balances(session, accounts, at=batch.drafted_at)
    closing = ledger.balances(session, accounts, at=facts.at)
    told = {
        "lines": [id for id, _ in borne],
        "first": batch.drafted_at,
        "last": facts.at,
    }
    between = {
        (row.owner_id, row.stage): (Money(int(row.came)), Money(int(row.went)))
        for row in session.execute(_BETWEEN, told)
    }
    for id, one in borne:
        for stage, words in STAGES.items():
            account = line(id, stage)
            came, went = between.get((id, stage), (ZERO, ZERO))
            yield Moved(
                one.funder, one.campaign, words, opening[account], came, went, closing[account]
            )


def records(session: Session, batch: Batch, facts: Facts) -> tuple[int, int]:
    """How many records there are of the batch, and how many of them the log's head covers."""
    told = {"batch": str(batch.id), "size": facts.size, "at": facts.at}
    row = session.execute(_RECORDS, told).one()
    return row.every, row.sealed


def span(batch: Batch, until: datetime) -> Mapping[str, Any]:
    """What the statements of the listings are told."""
    return {
        "batch": batch.id,
        "programme": batch.programme_id,
        "drafted_at": batch.drafted_at,
        "closed_at": batch.reviewed_at,
        "until": until,
    }
