"""The list of jobs in PostgreSQL, which is the truth; the queue only rings.

A job is due while `served < wanted`. Ringing raises `wanted`; a run takes a lease and remembers
which `wanted` it serves, so that a ring during the run is not lost and a job killed half-way runs
again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from voucher_service.infra.database import Base, Recorded
from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.ids import new_id


class LeaseLost(Conflict):
    """Another worker has taken the job over; this run's effect is rolled back."""

    code = "lease_lost"


class JobRow(Recorded, Base):
    """One thing to be done, however often it is rung."""

    __tablename__ = "job_outbox"
    __table_args__ = (
        Index("ix_job_outbox_due", "due_at", postgresql_where=text("served < wanted")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
    wanted: Mapped[int] = mapped_column(BigInteger)
    served: Mapped[int] = mapped_column(BigInteger)
    fence: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class Job:
    """A job under lease."""

    id: UUID
    key: str
    kind: str
    args: Mapping[str, Any]
    wanted: int
    fence: int


def add(session: Session, *, kind: str, key: str, args: Mapping[str, Any]) -> None:
    """Want a job done, in the transaction that needs it. The same key again: once more."""
    session.execute(
        text(
            "INSERT INTO job_outbox (id, key, kind, args, wanted, served, fence, attempts, due_at)"
            " VALUES (:id, :key, :kind, CAST(:args AS jsonb), 1, 0, 0, 0, clock_timestamp())"
            " ON CONFLICT (key) DO UPDATE SET wanted = job_outbox.wanted + 1, args = excluded.args,"
            " attempts = 0, due_at = clock_timestamp()"
        ).bindparams(id=new_id(), key=key, kind=kind, args=json.dumps(args))
    )


def due(session: Session, *, limit: int = 100) -> list[str]:
    """Keys of jobs that nobody is running, longest waiting first."""
    return list(
        session.execute(
            text(
                "SELECT key FROM job_outbox WHERE served < wanted AND due_at <= clock_timestamp()"
                " AND (lease_until IS NULL OR lease_until <= clock_timestamp())"
                " ORDER BY due_at LIMIT :limit"
            ),
            {"limit": limit},
        ).scalars()
    )


def take(session: Session, *, key: str, lease_seconds: int) -> Job | None:
    """Lease a due job, or None when it is done or someone is on it."""
    row = session.execute(
        text(
            "UPDATE job_outbox SET fence = fence + 1, attempts = attempts + 1,"
            " lease_until = clock_timestamp() + make_interval(secs => :lease)"
            " WHERE key = :key AND served < wanted"
            " AND (lease_until IS NULL OR lease_until <= clock_timestamp())"
            " RETURNING id, key, kind, args, wanted, fence"
        ),
        {"key": key, "lease": lease_seconds},
    ).one_or_none()
    return None if row is None else Job(row.id, row.key, row.kind, row.args, row.wanted, row.fence)


def finish(session: Session, job: Job) -> None:
    """Mark the job done in the transaction of its effect. Raises LeaseLost."""
    done: Any = session.execute(
        text(
            "UPDATE job_outbox"
            " SET served = :wanted, lease_until = NULL, attempts = 0, last_error = NULL"
            " WHERE id = :id AND fence = :fence"
        ),
        {"id": job.id, "fence": job.fence, "wanted": job.wanted},
    )
    if done.rowcount != 1:
        raise LeaseLost(key=job.key)


def fail(session: Session, job: Job, *, error: str) -> None:
    """Give the lease back after a failure.

    The job is due again after a pause that doubles up to 10 minutes.
    """
    session.execute(
        text(
            "UPDATE job_outbox"
            " SET lease_until = NULL, last_error = :error, due_at = clock_timestamp()"
            " + make_interval(secs => least(600, power(2, least(attempts, 10))))"
            " WHERE id = :id AND fence = :fence"
        ),
        {"id": job.id, "fence": job.fence, "error": error[:500]},
    )


def served(session: Session, *, key: str) -> bool:
    """Whether everything wanted of that job so far is done."""
    row = session.execute(
        text("SELECT served >= wanted FROM job_outbox WHERE key = :key"), {"key": key}
    ).scalar_one_or_none()
    return row is None or bool(row)
