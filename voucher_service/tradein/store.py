"""Reads of pools, qualifications and lines; decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.infra.database import MoneyFen, array
from voucher_service.kernel.ids import OfferId, ResidentId
from voucher_service.kernel.money import ZERO, Money

from . import shelf
from .overbooking import Past
from .policy import Category
from .qualifications import Outcome, Pool, Qualification, QualificationId, Status, Tally
from .tables import PoolRow, QualificationRow, WaitingRow

# The columns in which the rows of a batch of claims differ, with their types; the constraints are
# the table's, and a row that breaks one is simply not there afterwards.
_COLUMNS = {
    "id": "uuid",
    "release_id": "uuid",
    "release_quota": "int",
    "slot": "int",
    "resident_id": "uuid",
    "ordinal": "int",
    "generation": "int",
    "claim_key_hash": "bytea",
    "category": "text",
    "unit": "int",
    "units_most": "int",
    "attempt": "int",
    "attempts_most": "int",
    "code_ref": "bigint",
    "device_id": "text",
}
_INSERT = text(f"""
INSERT INTO qualification (offer_id, epoch, holds_slot, occurred_at, year, status, valid_until,
    {", ".join(_COLUMNS)})
SELECT :offer, :epoch, true, :now, :year, 'claimed', :valid_until, u.*
FROM unnest({", ".join(f"CAST(:{name} AS {type}[])" for name, type in _COLUMNS.items())}) AS u
ON CONFLICT DO NOTHING
RETURNING id
""")  # noqa: S608 - the names above
_BY_KEY = text("""
SELECT q.id, q.claim_key_hash
FROM unnest(CAST(:residents AS uuid[]), CAST(:keys AS bytea[])) AS u (resident, key)
JOIN qualification q ON q.resident_id = u.resident AND q.claim_key_hash = u.key
""")
# In front of a line stand those who have a qualification already.
_LINE = (WaitingRow.qualification_id.is_(None), WaitingRow.occurred_at, WaitingRow.id)


def devices(session: Session, ids: Collection[QualificationId]) -> dict[QualificationId, str]:
    """The devices on which qualifications were claimed, where one told its name."""
    known = (QualificationRow.id.in_(ids), QualificationRow.device_id.is_not(None))
    rows = session.execute(select(QualificationRow.id, QualificationRow.device_id).where(*known))
    return {QualificationId(id): device for id, device in rows if device is not None}


def forget_devices(session: Session, resident: ResidentId) -> None:
    """Delete the devices of a resident's claims."""
    mine = update(QualificationRow).where(QualificationRow.resident_id == resident)
    session.execute(mine.values(device_id=None))


def pools(session: Session, offers: Sequence[Offer]) -> list[Pool]:
    """The pools of these offers, in their order."""
    rows = {
        row.offer_id: row
        for row in session.scalars(
            select(PoolRow).where(PoolRow.offer_id.in_([one.id for one in offers]))
        )
    }
    return [
        Pool(
            offer,
            shelf.policy(row.policy_id),
            tuple(Category(one) for one in row.categories),
            row.overbook_bps,
            row.reclaims,
            row.ends_on,
        )
        for offer in offers
        if (row := rows.get(offer.id)) is not None
    ]


def code_ref(id: QualificationId) -> int:
    """A random-looking 63-bit handle, which the codes carry instead of the id."""
    digest = hashlib.sha256(b"qualification code ref\0" + id.bytes).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def qualifications(
    session: Session, *where: ColumnExpressionArgument[bool], limit: int | None = None
) -> list[Qualification]:
    """Qualifications that match, newest claim first."""
    statement = (
        select(QualificationRow)
        .where(*where)
        .order_by(QualificationRow.occurred_at.desc(), QualificationRow.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    rows = list(session.scalars(statement))
    offers = campaigns.terms(session, offers={OfferId(row.offer_id) for row in rows})
    of = {one.offer.id: one for one in pools(session, list(offers.values()))}
    return [
        Qualification(
            QualificationId(row.id),
            ResidentId(row.resident_id),
            of[OfferId(row.offer_id)],
            row.category,
            row.status,
            row.occurred_at,
            row.valid_until,
            row.code_ref,
        )
        for row in rows
    ]


def of_resident(resident: ResidentId, cursor: tuple[datetime, UUID] | None) -> ColumnElement[bool]:
    """One resident's qualifications after a cursor."""
    mine = QualificationRow.resident_id == resident
    if cursor is None:
        return mine
    return mine & (tuple_(QualificationRow.occurred_at, QualificationRow.id) < tuple_(*cursor))


def tally(session: Session, pool: Pool, residents: Collection[ResidentId], year: int) -> Tally:
    """What these residents have of the pool's categories, and how often they claimed from it."""
    mine = (
        QualificationRow.resident_id.in_(residents),
        QualificationRow.category.in_(pool.categories),
    )
    units: dict[tuple[ResidentId, Category], dict[int, QualificationId]] = {}
    for resident, category, unit, id in session.execute(
        select(
            QualificationRow.resident_id,
            QualificationRow.category,
            QualificationRow.unit,
            QualificationRow.id,
        ).where(*mine, QualificationRow.year == year, QualificationRow.holds_slot)
    ):
        units.setdefault((ResidentId(resident), category), {})[unit] = QualificationId(id)
    attempts = session.execute(
        select(QualificationRow.resident_id, QualificationRow.category, func.count())
        .where(*mine, QualificationRow.offer_id == pool.offer.id)
        .group_by(QualificationRow.resident_id, QualificationRow.category)
    )
    tried = {(ResidentId(resident), category): count for resident, category, count in attempts}
    return Tally(pool, units, tried)


def by_key(
    session: Session, pairs: Collection[tuple[ResidentId, bytes]]
) -> dict[tuple[ResidentId, bytes], Qualification]:
    """Earlier claims by resident and key."""
    told = {
        "residents": array([one for one, _ in pairs]),
        "keys": array([key for _, key in pairs]),
    }
    rows = session.execute(_BY_KEY, told)
    keys = {QualificationId(id): bytes(key_hash) for id, key_hash in rows}
    found = qualifications(session, QualificationRow.id.in_(keys)) if keys else []
    return {(one.resident_id, keys[one.id]): one for one in found}


def standing(session: Session, ids: Collection[QualificationId]) -> set[UUID]:
    """Those of these ids that stand."""
    return set(session.scalars(select(QualificationRow.id).where(QualificationRow.id.in_(ids))))


def insert(session: Session, rows: Sequence[dict[str, Any]], common: dict[str, Any]) -> set[UUID]:
    """Insert a batch, `common` the same for each row; the ids that are new. A row that breaks a
    constraint is not there afterwards, and the caller finds out why.
    """
    columns = {name: array([row[name] for row in rows]) for name in _COLUMNS}
    return set(session.execute(_INSERT, columns | common).scalars())


def held(session: Session, offer: OfferId, *statuses: Status) -> int:
    """How many qualifications of a pool stand so."""
    return session.execute(
        select(func.count()).where(
            QualificationRow.offer_id == offer, QualificationRow.status.in_(statuses)
        )
    ).scalar_one()


def counts(session: Session, offer: OfferId) -> dict[Status, int]:
    """How many qualifications of a pool stand how."""
    rows = session.execute(
        select(QualificationRow.status, func.count())
        .where(QualificationRow.offer_id == offer)
        .group_by(QualificationRow.status)
    )
    return dict(rows.all())


def past(session: Session, offer: OfferId, since: datetime, now: datetime) -> Past:
    """The qualifications of a pool whose validity ended of late, and what the used ones cost."""
    cost: Any = func.sum(QualificationRow.subsidy_fen, type_=MoneyFen)
    ended, spent = session.execute(
        select(func.count(), cost.filter(QualificationRow.status == Status.USED)).where(
            QualificationRow.offer_id == offer,
            QualificationRow.valid_until > since,
            QualificationRow.valid_until <= now,
            QualificationRow.status.in_((Status.USED, Status.LAPSED, Status.GIVEN_UP)),
        )
    ).one()
    assert spent is None or isinstance(spent, Money)
    return Past(ended, spent or ZERO)


def outcome(session: Session, categories: Collection[Category]) -> Outcome:
    """What became of the qualifications of these categories, over all pools."""
    cost: Any = func.sum(QualificationRow.subsidy_fen, type_=MoneyFen)
    used = QualificationRow.status == Status.USED
    over = QualificationRow.status.in_((Status.LAPSED, Status.GIVEN_UP))
    ended, count, spent = session.execute(
        select(func.count(), func.count().filter(used), cost.filter(used)).where(
            QualificationRow.category.in_(categories), used | over
        )
    ).one()
    return Outcome(ended, count, spent or ZERO)


def waiting(session: Session, offer: OfferId) -> tuple[int, int]:
    """How many wait for a pool: all, and the holders among them whom a till refused."""
    everybody, holders = session.execute(
        select(func.count(), func.count(WaitingRow.qualification_id)).where(
            WaitingRow.offer_id == offer, WaitingRow.ended_at.is_(None)
        )
    ).one()
    return everybody, holders


def line(session: Session, offer: OfferId, limit: int | None = None) -> list[WaitingRow]:
    """Who waits for a pool: holders for whom its money was short, then first come first."""
    return list(
        session.scalars(
            select(WaitingRow)
            .where(WaitingRow.offer_id == offer, WaitingRow.ended_at.is_(None))
            .order_by(*_LINE)
            .limit(limit)
        )
    )


def end_waits(session: Session, ids: Collection[UUID], now: datetime) -> list[UUID]:
    """End these waits; the ones that had not ended."""
    return list(
        session.scalars(
            update(WaitingRow)
            .where(WaitingRow.id.in_(ids), WaitingRow.ended_at.is_(None))
            .values(ended_at=now)
            .returning(WaitingRow.id)
        )
    )


def waits_of(session: Session, resident: ResidentId) -> list[WaitingRow]:
    """The lines that a resident stands in."""
    return list(
        session.scalars(
            select(WaitingRow)
            .where(WaitingRow.resident_id == resident, WaitingRow.ended_at.is_(None))
            .order_by(WaitingRow.occurred_at)
        )
    )


def place(session: Session, row: WaitingRow) -> int:
    """A waiting resident's place in the line, from 1."""
    before = tuple_(*_LINE) < tuple_(row.qualification_id is None, row.occurred_at, row.id)
    ahead = session.execute(
        select(func.count()).where(
            WaitingRow.offer_id == row.offer_id, WaitingRow.ended_at.is_(None), before
        )
    ).scalar_one()
    return ahead + 1
