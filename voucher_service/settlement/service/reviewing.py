"""Finance reviews a drafted batch: what is held leaves it, the rest is frozen and proposed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import ApprovalId, new_id

from .. import payment_store, store
from ..lifecycles import BATCH, PAYMENT, BatchEvent, BatchStatus
from ..model import (
    BatchId,
    LineKind,
    NothingToSettle,
    SameHands,
    StatementRunning,
    batch_number,
    flow_number,
)
from ..tables import SettlementLineRow, SettlementRow
from . import leaving, sharing
from .access import require_finance
from .retrying import again

APPROVE = "settlement.pay"


def review(core: Core, *, actor: Actor, batch: BatchId) -> ApprovalId:
    """Freeze a batch once merchants have had their time, and propose to pay it.

    What is held by now leaves it; payments that the bank sent back and that may be tried again
    come in. Raises NotAllowed, NoSuchThing, IllegalTransition, SameHands, StatementRunning,
    NothingToSettle.
    """
    require_finance(actor)
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '5min'"))
        now, row = core.now(session), store.locked(session, batch)
        BATCH.next(row.status, BatchEvent.REVIEWED)
        if actor.id == row.drafted_by:
            raise SameHands
        if row.statement_until is not None and now < row.statement_until:
            raise StatementRunning(until=row.statement_until)
        leaving.take_out_held(session, row, now)
        _add_payments(session, row, now)
        sharing.plan(session, batch, now)
        store.count_up(session, batch)
        frozen = store.locked(session, batch)
        if not frozen.lines and not frozen.payments:
            raise NothingToSettle
        _move(session, row, BatchEvent.REVIEWED, actor, now, reviewed_by=actor.id, reviewed_at=now)
        approval = approvals.propose(
            session,
            action=APPROVE,
            object_type=BATCH.name,
            object_id=batch,
            area="",
            title=batch_number(row.day, row.number),
            payload=_frozen(session, frozen),
            maker=actor,
            now=now,
            amount=frozen.total_fen,
            group=f"{APPROVE}:{batch}",
            authors={row.drafted_by} if row.drafted_by else (),
        )
        store.set_batch(session, batch, approval_id=approval)
        return approval


def _add_payments(session: Session, row: SettlementRow, now: datetime) -> None:
    """A row of the bank file for each line with something to pay, and for those tried again."""
    place = payment_store.last_place(session, BatchId(row.id))
    own = store.lines(
        session,
        SettlementLineRow.batch_id == row.id,
        store.DUE,
        SettlementLineRow.due_fen > SettlementLineRow.deducted_fen,
    )
    rows: list[dict[str, Any]] = []
    for line in [*own, *again(session, of=row.programme_id, now=now)]:
        place += 1
        rows.append(
            {
                "id": new_id(),
                "batch_id": row.id,
                "line_id": line.id,
                "place": place,
                "flow_number": flow_number(row.day, row.number, place),
                "amount_fen": (line.due_fen - line.deducted_fen).fen,
                "status": str(PAYMENT.initial),
                "personal": line.kind is LineKind.PERSON,
                "name": line.name,
            }
        )
    payment_store.add_payments(session, rows)


def _execute(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = store.locked(session, BatchId(UUID(payload["batch"])))
    if row.status is not BatchStatus.REVIEWED or _frozen(session, row) != payload:
        raise ChangedSinceProposed
    _move(session, row, BatchEvent.APPROVED, actor, now, approved_at=now)


def _refuse(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Sent back: drafted again, until somebody reviews or drops it."""
    row = store.locked(session, BatchId(UUID(payload["batch"])))
    leaving.withdraw_all(session, row, now)
    store.count_up(session, BatchId(row.id))
    cleared = {"reviewed_by": None, "reviewed_at": None, "approval_id": None}
    _move(session, row, BatchEvent.RETURNED, actor, now, **cleared)


def _move(
    session: Session,
    row: SettlementRow,
    event: BatchEvent,
    actor: Actor,
    now: datetime,
    **values: Any,
) -> None:
    audit.transition(
        session,
        SettlementRow,
        id=row.id,
        current=row.status,
        lifecycle=BATCH,
        event=event,
        actor=actor,
        now=now,
        set_=values,
    )


def _frozen(session: Session, row: SettlementRow) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON: the sums, and one hash of all payments."""
    return {
        "batch": str(row.id),
        "number": batch_number(row.day, row.number),
        "day": row.day.isoformat(),
        "lines": row.lines,
        "items": row.items,
        "due_fen": row.due_fen.fen,
        "deducted_fen": row.deducted_fen.fen,
        "retried_fen": row.retried_fen.fen,
        "payments": row.payments,
        "total_fen": row.total_fen.fen,
        "payments_sha256": payment_store.fingerprint(session, BatchId(row.id)),
    }


approvals.register(APPROVE, execute=_execute, refuse=_refuse)
