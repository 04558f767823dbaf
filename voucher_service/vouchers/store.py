"""Reads and writes of vouchers; decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ColumnExpressionArgument, and_, or_, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.infra.database import array
from voucher_service.kernel.ids import OfferId, ResidentId, VoucherId

from .model import Voucher
from .tables import PaperPrintRow, VoucherRow

# The ceiling, the slot and the resident's ordinal are constraints of the table; a row that breaks
# one is simply not there afterwards, and the caller finds out which and why.
_INSERT = text("""
INSERT INTO voucher (id, offer_id, release_id, release_quota, slot, resident_id, ordinal,
    generation, epoch, holds_slot, claim_key_hash, occurred_at, face_value_fen, spent_fen, status,
    valid_from, valid_until, code_ref, address_prefix, device_id, agent_hash)
SELECT u.id, :offer, u.release_id, u.release_quota, u.slot, u.resident_id, u.ordinal,
    u.generation, :epoch, true, u.key_hash, :now, :face, 0, 'claimed',
    :now, :until, u.code_ref, u.address, u.device, u.agent
FROM unnest(CAST(:ids AS uuid[]), CAST(:releases AS uuid[]), CAST(:quotas AS int[]),
    CAST(:slots AS int[]), CAST(:residents AS uuid[]), CAST(:ordinals AS int[]),
    CAST(:generations AS int[]), CAST(:key_hashes AS bytea[]), CAST(:code_refs AS bigint[]),
    CAST(:addresses AS text[]), CAST(:devices AS text[]), CAST(:agents AS text[]))
    AS u (id, release_id, release_quota, slot, resident_id, ordinal, generation, key_hash, code_ref,
          address, device, agent)
ORDER BY u.slot
ON CONFLICT DO NOTHING
RETURNING id
""")
_WITHIN = text("""
SELECT span.place, voucher.code_ref
FROM unnest(CAST(:lows AS bigint[]), CAST(:highs AS bigint[]))
    WITH ORDINALITY AS span (low, high, place)
JOIN voucher ON voucher.code_ref BETWEEN span.low AND span.high
ORDER BY span.place
""")


def insert(session: Session, values: dict[str, Any]) -> set[UUID]:
    """Insert a batch, its lists one a column; the ids that are new."""
    spelt = {
        name: array(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return set(session.execute(_INSERT, spelt).scalars())


@lru_cache(maxsize=4_096)
def code_ref(voucher: VoucherId) -> int:
    """A random-looking 63-bit handle of a voucher, which its codes carry instead of the id."""
    return int.from_bytes(hashlib.sha256(b"code ref\0" + voucher.bytes).digest()[:8], "big") >> 1


def vouchers(
    session: Session, *where: ColumnExpressionArgument[bool], limit: int | None = None
) -> list[Voucher]:
    """Vouchers that match, newest claim first."""
    statement = (
        select(VoucherRow)
        .where(*where)
        .order_by(VoucherRow.occurred_at.desc(), VoucherRow.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    rows = list(session.scalars(statement))
    offers = campaigns.terms(session, offers={OfferId(row.offer_id) for row in rows})
    return [
        Voucher(
            VoucherId(row.id),
            ResidentId(row.resident_id),
            offers[OfferId(row.offer_id)],
            row.status,
            row.face_value_fen,
            row.spent_fen,
            row.occurred_at,
            row.valid_from,
            row.valid_until,
            row.code_ref,
        )
        for row in rows
    ]


def code_refs_within(session: Session, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The voucher references in each of the spans, both ends included, as (place of the span,
    reference).
    """
    rows = session.execute(
        _WITHIN,
        {"lows": array([low for low, _ in spans]), "highs": array([high for _, high in spans])},
    )
    return [(place - 1, reference) for place, reference in rows]


def newest_print(session: Session, *, code_ref: int) -> int | None:
    """The number of a voucher's newest print; None when it was never printed."""
    return session.scalars(
        select(PaperPrintRow.serial)
        .join(VoucherRow, VoucherRow.id == PaperPrintRow.voucher_id)
        .where(VoucherRow.code_ref == code_ref)
    ).one_or_none()


def add_print(session: Session, *, voucher: VoucherId, now: datetime) -> int:
    """Number a voucher's next print."""
    first = pg_insert(PaperPrintRow).values(voucher_id=voucher, serial=1, occurred_at=now)
    return session.scalars(
        first.on_conflict_do_update(
            index_elements=[PaperPrintRow.voucher_id],
            set_={"serial": PaperPrintRow.serial + 1, "occurred_at": now},
        ).returning(PaperPrintRow.serial)
    ).one()


def of_resident(resident: ResidentId, cursor: tuple[datetime, UUID] | None) -> ColumnElement[bool]:
    """One resident's vouchers after a cursor."""
    mine = VoucherRow.resident_id == resident
    if cursor is None:
        return mine
    at, id = cursor
    return and_(
        mine,
        or_(
            VoucherRow.occurred_at < at,
            and_(VoucherRow.occurred_at == at, VoucherRow.id < id),
        ),
    )


def by_key(
    session: Session, pairs: Sequence[tuple[ResidentId, bytes]]
) -> dict[tuple[UUID, bytes], tuple[UUID, UUID]]:
    """(resident, key) → (voucher, offer) of earlier claims with those keys."""
    rows = session.execute(
        text(
            "SELECT v.resident_id, v.claim_key_hash, v.id, v.offer_id"
            " FROM unnest(CAST(:residents AS uuid[]), CAST(:keys AS bytea[])) AS u (resident, key)"
            " JOIN voucher v ON v.resident_id = u.resident AND v.claim_key_hash = u.key"
        ),
        {"residents": array([one for one, _ in pairs]), "keys": array([key for _, key in pairs])},
    )
    return {(resident, bytes(key)): (id, offer) for resident, key, id, offer in rows}
