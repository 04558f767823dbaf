"""Refused claims of signed-in residents, kept as a control group: appended off the answer path.

A claim must not wait for its refusal to be written, so refusals go through a bounded queue and a
thread of the process. What does not fit, or what the database refuses, is counted as lost and never
retried.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Engine, Identity, Index, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.core import Core
from voucher_service.infra.database import Base, Recorded
from voucher_service.kernel.actor import Evidence
from voucher_service.kernel.ids import OfferId, ResidentId

LOST = Counter("voucher_claim_refusals_lost", "Refused claims that could not be recorded")
_CAPACITY = 20_000
_BATCH = 500
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
    """Who was refused what, when, and why."""

    offer: OfferId
    resident: ResidentId
    code: str
    at: datetime
    evidence: Evidence


def note(core: Core, refusal: Refusal) -> None:
    """Hand a refusal to the writer of this process; never waits, never fails."""
    writer = _writer(core.engine)
    try:
        writer.put_nowait(refusal)
    except queue.Full:
        LOST.inc()


def flush(core: Core) -> None:
    """Wait until everything noted so far is written or counted as lost: before a process ends."""
    _writer(core.engine).join()


@cache
def _writer(engine: Engine) -> queue.Queue[Refusal]:
    waiting: queue.Queue[Refusal] = queue.Queue(_CAPACITY)
    threading.Thread(target=_write, args=(engine, waiting), daemon=True, name="refusals").start()
    return waiting


def _write(engine: Engine, waiting: queue.Queue[Refusal]) -> None:
    while True:
        batch = [waiting.get()]
        while len(batch) < _BATCH and not waiting.empty():
            batch.append(waiting.get())
        try:
            with engine.begin() as connection:
                connection.execute(insert(ClaimRefusalRow), [_values(one) for one in batch])
        except SQLAlchemyError as error:
            LOST.inc(len(batch))
            _log.warning("refusals_lost", count=len(batch), error=type(error).__name__)
        finally:
            for _ in batch:
                waiting.task_done()


def _values(one: Refusal) -> dict[str, object]:
    return {
        "offer_id": one.offer,
        "resident_id": one.resident,
        "code": one.code,
        "occurred_at": one.at,
        "address_prefix": one.evidence.address_prefix,
        "device_id": one.evidence.device_id,
        "agent_hash": one.evidence.agent_hash,
    }
