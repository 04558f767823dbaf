"""Reads and writes of proposals and signatures; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_, update
from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from .model import Approval, Reason, Rule, Signature, Status, signatures
from .tables import ApprovalRow, SignatureRow


def load(session: Session, id: ApprovalId, *, lock: bool = False) -> Approval:
    """One proposal. Raises NoSuchThing."""
    statement = select(ApprovalRow).where(ApprovalRow.id == id)
    if lock:
        statement = statement.with_for_update()
    row = session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()
    if row is None:
        raise NoSuchThing
    return views(session, [row])[0]


def latest(
    session: Session, about: UUID, status: Status, action: str | None = None
) -> Approval | None:
    """The newest proposal about a thing that stands so, of one action or any."""
    which = [] if action is None else [ApprovalRow.action == action]
    rows = session.scalars(
        select(ApprovalRow)
        .where(ApprovalRow.object_id == about, ApprovalRow.status == status, *which)
        .order_by(ApprovalRow.proposed_at.desc(), ApprovalRow.id.desc())
        .limit(1)
    ).all()
    return views(session, rows)[0] if rows else None


def page(
    session: Session, *, area: str, status: Status | None, cursor: str | None, limit: int
) -> Page[Approval]:
    """Proposals of an area (empty: all), oldest first."""
    statement = select(ApprovalRow).order_by(ApprovalRow.proposed_at, ApprovalRow.id)
    if status is not None:
        statement = statement.where(ApprovalRow.status == status)
    if area:
        statement = statement.where(ApprovalRow.area.startswith(areas.stem(area), autoescape=True))
    if after := decode_moment(cursor):
        statement = statement.where(tuple_(ApprovalRow.proposed_at, ApprovalRow.id) > after)
    rows = session.scalars(statement.limit(limit + 1)).all()
    items = views(session, rows[:limit])
    more = len(rows) > limit
    return Page(
        items, encode_cursor(items[-1].proposed_at.isoformat(), items[-1].id) if more else None
    )


def lock_group(session: Session, group: str) -> None:
    """Let one proposal of the group be judged at a time, until the transaction ends."""
    session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"approvals.group:{group}", 0)))
    )


def group_sum(session: Session, group: str, since: datetime) -> Money:
    """What the group proposed since then, unless it was sent back, withdrawn or lapsed."""
    total: Money | None = session.execute(
        select(func.sum(ApprovalRow.amount_fen)).where(*_counted(group, since))
    ).scalar_one()
    return total or ZERO


def group_waiting(session: Session, group: str, since: datetime) -> list[Approval]:
    """What the group proposed since then that still waits, locked."""
    rows = session.scalars(
        select(ApprovalRow)
        .where(*_counted(group, since), ApprovalRow.status == Status.WAITING)
        .order_by(ApprovalRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    # The lock may have waited for a decision that was made meanwhile.
    return [one for one in views(session, rows) if one.status is Status.WAITING]


def due(session: Session, now: datetime, recorded_before: datetime, most: int) -> list[ApprovalId]:
    """Waiting proposals that lapsed by business time and by the servers' own, oldest first."""
    found = session.scalars(
        select(ApprovalRow.id)
        .where(
            ApprovalRow.status == Status.WAITING,
            ApprovalRow.expires_at <= now,
            ApprovalRow.recorded_at <= recorded_before,
        )
        .order_by(ApprovalRow.expires_at)
        .limit(most)
    )
    return [ApprovalId(one) for one in found]


def ask_more(session: Session, id: ApprovalId, why: Sequence[Reason]) -> None:
    """Write how many must sign and why."""
    session.execute(
        update(ApprovalRow)
        .where(ApprovalRow.id == id)
        .values(signatures_needed=signatures(why), why=as_json(why))
    )


def every_payload(session: Session) -> Iterable[tuple[ApprovalId, dict[str, Any], str]]:
    """Every proposal's payload with the fingerprint that was frozen beside it, row by row."""
    rows = session.execute(
        select(ApprovalRow.id, ApprovalRow.payload, ApprovalRow.payload_sha256),
        execution_options={"yield_per": 200},
    )
    return ((ApprovalId(id), payload, sha256) for id, payload, sha256 in rows)


def as_json(why: Iterable[Reason]) -> list[dict[str, Any]]:
    """Reasons as they are stored."""
    return [
        {"rule": str(one.rule), "signatures": one.signatures, "judged_fen": one.judged.fen}
        for one in why
    ]


def views(session: Session, rows: Sequence[ApprovalRow]) -> list[Approval]:
    """The views of rows, their signatures read at once."""
    signed: dict[UUID, list[Signature]] = {row.id: [] for row in rows}
    for one in session.scalars(
        select(SignatureRow)
        .where(SignatureRow.approval_id.in_(signed))
        .order_by(SignatureRow.signed_at, SignatureRow.staff_id)
    ):
        signed[one.approval_id].append(Signature(one.staff_id, one.signed_at))
    return [_view(row, tuple(signed[row.id])) for row in rows]


def _counted(group: str, since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        ApprovalRow.split_group == group,
        ApprovalRow.proposed_at > since,
        ApprovalRow.status.in_((Status.WAITING, Status.EXECUTED)),
    )


def _view(row: ApprovalRow, signed: tuple[Signature, ...]) -> Approval:
    return Approval(
        id=ApprovalId(row.id),
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        area=row.area,
        title=row.title,
        payload=row.payload,
        payload_sha256=row.payload_sha256,
        maker_id=row.maker_id,
        authors=frozenset(row.authors),
        amount=row.amount_fen,
        signatures_needed=row.signatures_needed,
        why=tuple(
            Reason(Rule(one["rule"]), one["signatures"], Money(one["judged_fen"]))
            for one in row.why
        ),
        simulation=row.simulation,
        status=row.status,
        proposed_at=row.proposed_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
        reason=row.reason,
        signatures=signed,
    )
