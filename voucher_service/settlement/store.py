"""Reads and writes of batches, lines, items and payments; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    Uuid,
    bindparam,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra.copying import copy
from voucher_service.infra.database import array
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId, MerchantId, OfferId, RedemptionId
from voucher_service.kernel.money import ZERO, Money

from .lifecycles import LineStatus
from .model import BatchId, BatchLineId, LineKind
from .tables import (
    SettlementItemRow,
    SettlementLineRow,
    SettlementRow,
    SettlementShareRow,
)

_BATCH = cast(Table, SettlementRow.__table__)
_LINE = cast(Table, SettlementLineRow.__table__)
_SHARE = cast(Table, SettlementShareRow.__table__)
_AT_ONCE = 1_000
DUE: ColumnElement[bool] = SettlementLineRow.status == LineStatus.DUE
_BY_OFFER = text("""
SELECT i.offer_id, sum(i.due_fen) AS fen
FROM settlement_line l JOIN settlement_item i ON i.line_id = l.id
WHERE l.batch_id = :batch AND l.status = 'due' AND i.live GROUP BY i.offer_id
""")
_BY_CAMPAIGN = text("""
SELECT campaign_id, sum(due_fen) AS fen FROM settlement_line
WHERE batch_id = :batch AND status = 'due' AND kind = 'person' GROUP BY campaign_id
""")
_COSTS = text("""
SELECT l.id, l.name, i.offer_id, CAST(NULL AS uuid) AS campaign_id, sum(i.due_fen) AS fen
FROM settlement_line l JOIN settlement_item i ON i.line_id = l.id AND i.live
WHERE l.batch_id = :batch AND (CAST(:until AS uuid) IS NULL OR l.id <= CAST(:until AS uuid))
GROUP BY l.id, i.offer_id
UNION ALL
SELECT id, name, NULL, campaign_id, due_fen FROM settlement_line
WHERE batch_id = :batch AND status <> 'left_out' AND kind = 'person'
    AND (CAST(:until AS uuid) IS NULL OR id <= CAST(:until AS uuid))
ORDER BY id, offer_id
""")
_PENDING = text("""
SELECT merchant_id, sum(deducted_fen) AS fen FROM settlement_line
WHERE status = 'due' AND merchant_id = ANY(CAST(:merchants AS uuid[])) GROUP BY merchant_id
""")
_ITEMS_OF = text("""
SELECT line_id, redemption_id FROM settlement_item
WHERE line_id = ANY(CAST(:lines AS uuid[])) AND live ORDER BY line_id, redemption_id
""")
_AMONG = text("""
SELECT i.line_id, i.redemption_id
FROM settlement_item i JOIN settlement_line l ON l.id = i.line_id
WHERE i.redemption_id = ANY(CAST(:ids AS uuid[])) AND i.live
    AND l.batch_id = :batch AND l.status = 'due'
ORDER BY i.line_id, i.redemption_id
""")
_WITH = text("""
SELECT DISTINCT line_id FROM settlement_item
WHERE redemption_id = ANY(CAST(:ids AS uuid[])) AND live
    AND line_id = ANY(CAST(:lines AS uuid[]))
""")
_WITHIN = text("""
SELECT l.merchant_id, i.redemption_id, i.due_fen
FROM settlement_item i JOIN settlement_line l ON l.id = i.line_id
WHERE i.redemption_id = ANY(CAST(:ids AS uuid[])) AND i.live
    AND l.batch_id = :batch AND l.status = 'due'
""")
_OF_MERCHANTS = text("""
SELECT merchant_id, items, due_fen FROM settlement_line
WHERE batch_id = :batch AND status = 'due' AND kind = 'merchant'
""")
_ADVANCE = text("SELECT pg_advisory_xact_lock(hashtextextended('advance:' || :merchant, 0))")
_TAKE_OUT = text("""
UPDATE settlement_item SET live = false
WHERE line_id = ANY(CAST(:lines AS uuid[])) AND redemption_id = ANY(CAST(:ids AS uuid[]))
""")
_EMPTY = text("UPDATE settlement_item SET live = false WHERE line_id = ANY(CAST(:lines AS uuid[]))")
_RECOUNT = text("""
UPDATE settlement_line l
SET items = f.items, due_fen = f.fen, deducted_fen = least(l.deducted_fen, f.fen)
FROM (SELECT line_id, count(*) AS items, sum(due_fen) AS fen FROM settlement_item
      WHERE line_id = ANY(CAST(:lines AS uuid[])) AND live GROUP BY line_id) f
WHERE l.id = f.line_id
""")
_TOTALS = text("""
WITH l AS (SELECT count(*) AS lines, coalesce(sum(items), 0) AS items,
               coalesce(sum(due_fen), 0) AS due, coalesce(sum(deducted_fen), 0) AS deducted
           FROM settlement_line WHERE batch_id = :batch AND status <> 'left_out'),
p AS (SELECT count(*) AS payments,
          coalesce(sum(amount_fen) FILTER (WHERE w.batch_id <> :batch), 0) AS retried
      FROM settlement_payment p JOIN settlement_line w ON w.id = p.line_id
      WHERE p.batch_id = :batch AND p.status <> 'withdrawn')
UPDATE settlement SET lines = l.lines, items = l.items, due_fen = l.due, deducted_fen = l.deducted,
    payments = p.payments, retried_fen = p.retried, total_fen = l.due - l.deducted + p.retried
FROM l, p WHERE id = :batch
""")


def begin(session: Session, values: Mapping[str, Any]) -> bool:
    """Insert a batch; False when one of that day and programme stands."""
    zero = dict.fromkeys(("lines", "items", "payments"), 0)
    fen = dict.fromkeys(("due_fen", "deducted_fen", "retried_fen", "total_fen"), ZERO)
    statement = insert(_BATCH).values(**zero, **fen, **values).on_conflict_do_nothing()
    return session.execute(statement.returning(_BATCH.c.id)).first() is not None


def batch(
    session: Session, *where: ColumnElement[bool], lock: bool = False
) -> SettlementRow | None:
    """The newest batch that matches; with `lock` as it stands once the lock is held."""
    statement = (
        select(SettlementRow).where(*where).order_by(SettlementRow.number.desc()).limit(1)
    ).execution_options(populate_existing=True)
    return session.scalars(statement.with_for_update() if lock else statement).one_or_none()


def locked(session: Session, id: BatchId) -> SettlementRow:
    """A batch, locked. Raises NoSuchThing."""
    found = batch(session, SettlementRow.id == id, lock=True)
    if found is None:
        raise NoSuchThing
    return found


def batches(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> list[SettlementRow]:
    """Batches that match, newest first."""
    statement = select(SettlementRow).where(*where).order_by(SettlementRow.number.desc())
    return list(session.scalars(statement.limit(limit).execution_options(populate_existing=True)))


def set_batch(session: Session, id: BatchId, **values: Any) -> None:
    """Change columns of a locked batch."""
    session.execute(update(_BATCH).where(_BATCH.c.id == id).values(**values))


def count_up(session: Session, batch: BatchId) -> None:
    """Write the sums of a batch's lines and payments into its row."""
    session.execute(_TOTALS, {"batch": batch})


def add_lines(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append lines."""
    copy(session, SettlementLineRow, rows)


def add_payouts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append lines whose payout no other line pays."""
    if rows:
        statement = insert(_LINE).on_conflict_do_nothing()
        session.execute(statement, [dict(one) for one in rows])


def paid_by_lines(
    session: Session, payouts: Collection[UUID], *, but: Collection[UUID]
) -> set[tuple[UUID, UUID | None]]:
    """Those of these payouts that a line pays, without these lines: with their subjects."""
    row = SettlementLineRow
    asked = func.any(bindparam("payouts", type_=ARRAY(Uuid)))
    over = (LineStatus.LEFT_OUT, LineStatus.ENDED)
    rows = session.execute(
        select(row.id, row.payout_id, row.subject_id).where(
            row.payout_id == asked, row.kind != LineKind.MERCHANT, row.status.not_in(over)
        ),
        {"payouts": list(payouts)},
    )
    return {(payout, subject) for id, payout, subject in rows if payout and id not in but}


def add_items(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append items."""
    copy(session, SettlementItemRow, rows)


def lines(
    session: Session,
    *where: ColumnElement[bool],
    limit: int | None = None,
    newest: bool = False,
) -> list[SettlementLineRow]:
    """Lines that match, by id."""
    order = SettlementLineRow.id.desc() if newest else SettlementLineRow.id
    statement = select(SettlementLineRow).where(*where).order_by(order).limit(limit)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def last_merchant(session: Session, batch: BatchId) -> MerchantId | None:
    """The merchant up to which a batch has its lines; lines are written by merchant."""
    found = session.execute(
        select(SettlementLineRow.merchant_id)
        .where(SettlementLineRow.batch_id == batch, SettlementLineRow.kind == LineKind.MERCHANT)
        .order_by(SettlementLineRow.merchant_id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else MerchantId(found)


def pending(session: Session, merchants: Collection[MerchantId]) -> dict[MerchantId, Money]:
    """What unpaid lines of merchants deduct already."""
    rows = session.execute(_PENDING, {"merchants": array(merchants)})
    return {MerchantId(one): Money(int(fen)) for one, fen in rows}


def items_of(session: Session, lines: Collection[UUID]) -> dict[BatchLineId, list[RedemptionId]]:
    """The redemptions in lines, without those that were taken out."""
    found: dict[BatchLineId, list[RedemptionId]] = {}
    for line, redemption in session.execute(_ITEMS_OF, {"lines": array(lines)}):
        found.setdefault(BatchLineId(line), []).append(RedemptionId(redemption))
    return found


def take_out(session: Session, held: Mapping[BatchLineId, Collection[RedemptionId]]) -> None:
    """Take redemptions out of lines, and count these anew."""
    ids = [one for redemptions in held.values() for one in redemptions]
    session.execute(_TAKE_OUT, {"lines": array(held), "ids": array(ids)})
    session.execute(_RECOUNT, {"lines": array(held)})


def empty(session: Session, lines: Collection[UUID]) -> None:
    """Take everything out of lines; what they were to pay stays readable."""
    session.execute(_EMPTY, {"lines": array(lines)})


def by_offer(session: Session, batch: BatchId) -> dict[OfferId, Money]:
    """What a batch owes for redemptions, by offer."""
    rows = session.execute(_BY_OFFER, {"batch": batch})
    return {OfferId(one): Money(int(fen)) for one, fen in rows}


def by_campaign(session: Session, batch: BatchId) -> dict[CampaignId, Money]:
    """What a batch owes residents, by campaign."""
    rows = session.execute(_BY_CAMPAIGN, {"batch": batch})
    return {CampaignId(one): Money(int(fen)) for one, fen in rows}


def costs(
    session: Session, batch: BatchId, until: BatchLineId | None
) -> Iterator[tuple[BatchLineId, str, OfferId | None, CampaignId | None, Money]]:
    """What each line costs the funders, by line and offer, or by the campaign of a payout; up to a
    line, when one is named. Read a part at a time.
    """
    told = {"batch": batch, "until": until}
    rows = session.execute(_COSTS.execution_options(yield_per=_AT_ONCE), told)
    for id, name, offer, campaign, fen in rows:
        yield BatchLineId(id), name, offer, campaign, Money(int(fen))


def lock_advances(session: Session, merchant: MerchantId) -> None:
    """Let one proposal to pay a merchant ahead be judged at a time."""
    session.execute(_ADVANCE, {"merchant": str(merchant)})


def set_shares(session: Session, batch: BatchId, rows: Sequence[Mapping[str, Any]]) -> None:
    """Say anew which budget lines bear a batch of which nothing was paid."""
    session.execute(_SHARE.delete().where(_SHARE.c.batch_id == batch))
    if rows:
        session.execute(insert(_SHARE), [dict(one) for one in rows])


def shares(session: Session, batch: BatchId) -> list[SettlementShareRow]:
    """What budget lines bear of a batch."""
    statement = select(SettlementShareRow).where(SettlementShareRow.batch_id == batch)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def add_settled(
    session: Session, batch: BatchId, campaign: CampaignId, line: UUID, amount: Money
) -> None:
    """Add to what a budget line has borne of a batch, be it that it was not to bear anything."""
    made = insert(_SHARE).values(
        batch_id=batch, line_id=line, campaign_id=campaign, due_fen=ZERO, settled_fen=amount
    )
    session.execute(
        made.on_conflict_do_update(
            index_elements=["batch_id", "line_id"],
            set_={"settled_fen": _SHARE.c.settled_fen + made.excluded.settled_fen},
        )
    )


def take_settled(session: Session, batch: BatchId, line: UUID, amount: Money) -> None:
    """Take off what a budget line has borne of a batch: the bank sent it back."""
    session.execute(
        update(_SHARE)
        .where(_SHARE.c.batch_id == batch, _SHARE.c.line_id == line)
        .values(settled_fen=_SHARE.c.settled_fen - amount)
    )


def has_due_lines() -> ColumnElement[bool]:
    """Batches with a line that is still to be paid."""
    return exists().where(SettlementLineRow.batch_id == SettlementRow.id, DUE)


def line_merchants(session: Session, *where: ColumnElement[bool]) -> dict[UUID, MerchantId]:
    """The merchants of lines that match, by line."""
    columns = SettlementLineRow.id, SettlementLineRow.merchant_id
    of_merchant = SettlementLineRow.merchant_id.is_not(None)
    rows = session.execute(select(*columns).where(*where, of_merchant))
    return {id: MerchantId(whose) for id, whose in rows if whose is not None}


def items_among(
    session: Session, batch: BatchId, ids: Collection[RedemptionId]
) -> dict[BatchLineId, list[RedemptionId]]:
    """Which of these redemptions stand in unpaid lines of a batch, by line."""
    found: dict[BatchLineId, list[RedemptionId]] = {}
    for line, redemption in session.execute(_AMONG, {"batch": batch, "ids": array(ids)}):
        found.setdefault(BatchLineId(line), []).append(RedemptionId(redemption))
    return found


def within(
    session: Session, batch: BatchId, ids: Collection[RedemptionId]
) -> list[tuple[MerchantId, RedemptionId, Money]]:
    """Which of these redemptions stand in unpaid lines of a batch: whose they are, what is due."""
    rows = session.execute(_WITHIN, {"batch": batch, "ids": array(ids)})
    return [(MerchantId(whose), RedemptionId(id), Money(fen)) for whose, id, fen in rows]


def of_merchants(session: Session, batch: BatchId) -> list[tuple[MerchantId, int, Money]]:
    """The unpaid lines of merchants in a batch: how many redemptions, and what is due."""
    rows = session.execute(_OF_MERCHANTS, {"batch": batch})
    return [(MerchantId(whose), items, Money(fen)) for whose, items, fen in rows]


def lines_with(
    session: Session, lines: Collection[UUID], ids: Collection[RedemptionId]
) -> set[UUID]:
    """Those of these lines in which one of these redemptions stands."""
    told = {"lines": array(lines), "ids": array(ids)}
    return set(session.execute(_WITH, told).scalars())


def lines_by_id(session: Session, ids: Collection[UUID]) -> list[SettlementLineRow]:
    """Lines, however many are asked for."""
    asked = func.any(bindparam("ids", type_=ARRAY(Uuid)))
    statement = select(SettlementLineRow).where(SettlementLineRow.id == asked)
    found = session.scalars(statement.execution_options(populate_existing=True), {"ids": list(ids)})
    return list(found)
