"""Refused claims of signed-in residents, kept as a control group: appended off the answer path.

Those of the first ten minutes after a release opened. A claim must not wait for its refusal to be
written, so refusals go through a bounded queue and a thread of the process. What does not fit, or
what the database refuses, is counted as lost and never retried.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Engine, Identity, Index, delete, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.infra.database import Base, Recorded, array
from voucher_service.kernel.actor import Evidence
from voucher_service.kernel.ids import OfferId, ResidentId

LOST = Counter("voucher_claim_refusals_lost", "Refused claims that could not be recorded")
_KEPT_AFTER_OPENING = timedelta(minutes=10)
_MOST_BATCHES = 1_000  # of up to 256 refusals each
_INSERT = text("""
INSERT INTO claim_refusal (offer_id, resident_id, code, occurred_at, address_prefix, device_id,
    agent_hash)
SELECT :offer, u.resident, u.code, :at, u.address, u.device, u.agent
FROM unnest(CAST(:residents AS uuid[]), CAST(:codes AS text[]), CAST(:addresses AS text[]),
    CAST(:devices AS text[]), CAST(:agents AS text[])) AS u (resident, code, address, device, agent)
""")
_log = structlog.get_logger(__name__)


class ClaimRefusalRow(Recorded, Base):
    """One refused claim. Kept 90 days."""

    __tablename__ = "claim_refusal"
    __table_args__ = (Index("ix_claim_refusal_offer", "offer_id", "occurred_at"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    offer_id: Mapped[UUID]
    resident_id: Mapped[UUID]
    code: Mapped[str]
    occurred_at: Mapped[datetime]
    address_prefix: Mapped[str | None]
    device_id: Mapped[str | None]
    agent_hash: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who was refused, and why."""

    resident: ResidentId
    code: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _Batch:
    offer: OfferId
    at: datetime
    refusals: Sequence[Refusal]


def forget(session: Session, *, resident: ResidentId) -> None:
    """Delete the refused claims of a resident."""
    session.execute(delete(ClaimRefusalRow).where(ClaimRefusalRow.resident_id == resident))


def note(core: Core, offer: Offer, refusals: Sequence[Refusal], at: datetime) -> None:
    """Hand a batch's refusals to the writer of this process; never waits, never fails."""
    if not any(one.opens_at <= at < one.opens_at + _KEPT_AFTER_OPENING for one in offer.releases):
        return
    try:
        _writer(core.engine).put_nowait(_Batch(offer.id, at, refusals))
    except queue.Full:
        LOST.inc(len(refusals))


def flush(core: Core) -> None:
    """Wait until everything noted so far is written or counted as lost: before a process ends."""
    _writer(core.engine).join()


@cache
def _writer(engine: Engine) -> queue.Queue[_Batch]:
    waiting: queue.Queue[_Batch] = queue.Queue(_MOST_BATCHES)
    threading.Thread(target=_write, args=(engine, waiting), daemon=True, name="refusals").start()
    return waiting


def _write(engine: Engine, waiting: queue.Queue[_Batch]) -> None:
    while True:
        batch = waiting.get()
        try:
            with engine.begin() as connection:
                connection.execute(_INSERT, _values(batch))
        except SQLAlchemyError as error:
            LOST.inc(len(batch.refusals))
            _log.warning("refusals_lost", count=len(batch.refusals), error=type(error).__name__)
        finally:
            waiting.task_done()


def _values(batch: _Batch) -> dict[str, object]:
    evidence = [one.evidence for one in batch.refusals]
    return {
        "offer": batch.offer,
        "at": batch.at,
        "residents": array([one.resident for one in batch.refusals]),
        "codes": array([one.code for one in batch.refusals]),
        "addresses": array([one.address_prefix for one in evidence]),
        "devices": array([one.device_id for one in evidence]),
        "agents": array([one.agent_hash for one in evidence]),
    }
