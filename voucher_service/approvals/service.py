"""Propose, sign, execute. Features register what may be executed; nothing else spends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, new_id
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from .model import (
    LIFECYCLE,
    OWNER,
    AlreadyProposed,
    Approval,
    Event,
    Signature,
    Status,
    fingerprint,
)
from .tables import ApprovalRow, SignatureRow

Execute = Callable[[Session, Mapping[str, Any], Actor, datetime], None]
Refuse = Callable[[Session, Mapping[str, Any], Actor, datetime], None]
_EXECUTORS: dict[str, tuple[Execute, Refuse]] = {}


def register(action: str, *, execute: Execute, refuse: Refuse) -> None:
    """Say what an approved (or rejected) action does. Called once by the feature that owns it."""
    if action in _EXECUTORS:
        raise RuntimeError(f"{action} is registered already")
    _EXECUTORS[action] = (execute, refuse)


def actions() -> list[str]:
    """Every action that can be approved."""
    return sorted(_EXECUTORS)


def propose(
    session: Session,
    *,
    action: str,
    object_type: str,
    object_id: UUID,
    area: str,
    title: str,
    payload: Mapping[str, Any],
    maker: Actor,
    now: datetime,
    signatures_needed: int = 1,
) -> ApprovalId:
    """Freeze a payload and wait for signatures. Raises AlreadyProposed."""
    if action not in _EXECUTORS or maker.id is None:
        raise RuntimeError(f"{action} is not registered, or nobody proposes it")
    id = ApprovalId(new_id())
    row = ApprovalRow(
        id=id,
        action=action,
        object_type=object_type,
        object_id=object_id,
        area=area,
        title=title,
        payload=dict(payload),
        payload_sha256=fingerprint(payload),
        maker_id=maker.id,
        signatures_needed=signatures_needed,
        status=LIFECYCLE.initial,
        proposed_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise AlreadyProposed from error
    audit.record(
        session,
        actor=maker,
        action="approval.proposed",
        object_type="approval",
        object_id=str(id),
        now=now,
        detail={"action": action, "payload_sha256": row.payload_sha256},
    )
    return id


def approve(core: Core, *, actor: Actor, approval: ApprovalId) -> Approval:
    """Sign; with the last signature needed, execute the frozen payload in the same transaction.

    Raises NoSuchThing, SamePerson, AlreadyDecided, and whatever the execution refuses.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = _load(session, approval, lock=True)
        _check_area(actor, found)
        _check_signer(actor, found)
        session.add(
            SignatureRow(
                approval_id=approval, staff_id=actor.id, maker_id=found.maker_id, signed_at=now
            )
        )
        session.flush()
        audit.record(
            session,
            actor=actor,
            action="approval.signed",
            object_type="approval",
            object_id=str(approval),
            now=now,
            detail={"payload_sha256": found.payload_sha256},
        )
        if len(found.signatures) + 1 >= found.signatures_needed:
            _decide(session, found, Event.EXECUTED, actor, now)
            _EXECUTORS[found.action][0](session, found.payload, actor, now)
        return _load(session, approval)


def reject(core: Core, *, actor: Actor, approval: ApprovalId, reason: str) -> Approval:
    """Send the proposal back with a reason. The maker may too: it takes back, it spends nothing."""
    with core.transaction() as session:
        now = core.now(session)
        found = _load(session, approval, lock=True)
        _check_area(actor, found)
        if actor.id != found.maker_id:
            _check_signer(actor, found)
        _decide(session, found, Event.REJECTED, actor, now, reason)
        _EXECUTORS[found.action][1](session, found.payload, actor, now)
        return _load(session, approval)


def get(core: Core, *, actor: Actor, approval: ApprovalId) -> Approval:
    """One proposal within the actor's area. Raises NoSuchThing."""
    with core.transaction() as session:
        found = _load(session, approval)
        _check_area(actor, found)
        return found


def page(
    core: Core, *, actor: Actor, status: Status | None, cursor: str | None, limit: int
) -> Page[Approval]:
    """Proposals of the actor's area, oldest first."""
    statement = select(ApprovalRow).order_by(ApprovalRow.proposed_at, ApprovalRow.id)
    if status is not None:
        statement = statement.where(ApprovalRow.status == status)
    if actor.area:
        statement = statement.where(
            ApprovalRow.area.startswith(areas.stem(actor.area), autoescape=True)
        )
    if after := decode_moment(cursor):
        statement = statement.where(tuple_(ApprovalRow.proposed_at, ApprovalRow.id) > after)
    with core.transaction() as session:
        rows = list(session.scalars(statement.limit(limit + 1)))
        items = [_view(session, row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(
        items, encode_cursor(items[-1].proposed_at.isoformat(), items[-1].id) if more else None
    )


def latest(core: Core, *, actor: Actor, about: UUID, status: Status) -> Approval | None:
    """The newest proposal about a thing that stands so, if it is of the actor's area."""
    with core.transaction() as session:
        row = session.scalars(
            select(ApprovalRow)
            .where(ApprovalRow.object_id == about, ApprovalRow.status == status)
            .order_by(ApprovalRow.proposed_at.desc(), ApprovalRow.id.desc())
            .limit(1)
        ).one_or_none()
        found = None if row is None else _view(session, row)
    return found if found is not None and areas.within(found.area, actor.area) else None


def _decide(
    session: Session,
    found: Approval,
    event: Event,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
) -> None:
    audit.transition(
        session,
        ApprovalRow,
        id=found.id,
        current=found.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_={"decided_at": now, "reason": reason},
    )


def _check_area(actor: Actor, found: Approval) -> None:
    if not areas.within(found.area, actor.area):
        raise NoSuchThing


def _check_signer(actor: Actor, found: Approval) -> None:
    """Who proposes is told so before the role is looked at."""
    found.check_signer(actor)
    if not actor.roles & OWNER[found.status]:
        raise NotAllowed


def _load(session: Session, id: ApprovalId, *, lock: bool = False) -> Approval:
    statement = select(ApprovalRow).where(ApprovalRow.id == id)
    if lock:
        statement = statement.with_for_update()
    row = session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()
    if row is None:
        raise NoSuchThing
    return _view(session, row)


def _view(session: Session, row: ApprovalRow) -> Approval:
    signatures = session.scalars(
        select(SignatureRow)
        .where(SignatureRow.approval_id == row.id)
        .order_by(SignatureRow.signed_at)
    )
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
        signatures_needed=row.signatures_needed,
        status=row.status,
        proposed_at=row.proposed_at,
        decided_at=row.decided_at,
        reason=row.reason,
        signatures=tuple(Signature(one.staff_id, one.signed_at) for one in signatures),
    )
