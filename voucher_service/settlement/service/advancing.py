"""Money paid ahead to a merchant: approved, paid as a line, and owed until it is netted off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import AlreadyProposed, ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId, MerchantId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, merchant, move
from voucher_service.merchants import service as merchants

from .. import store
from ..lifecycles import ADVANCE, LINE, AdvanceEvent, AdvanceStatus
from ..model import AdvanceId, AdvanceTooLarge, LineKind
from ..tables import SettlementAdvanceRow, SettlementLineRow, SettlementRow
from .access import require_finance
from .owing import owed_now
from .payees import kept_back

ADVANCE_ACTION = "settlement.advance"
_PENDING = (AdvanceStatus.PROPOSED, AdvanceStatus.APPROVED)


def propose_advance(
    core: Core, *, actor: Actor, merchant: MerchantId, amount: Money, reason: str
) -> ApprovalId:
    """Propose to pay a merchant ahead; later lines net it off. Sent twice it is proposed once: of a
    merchant one waits for signatures at a time.

    Raises NotAllowed, NoSuchThing, AlreadyProposed, AdvanceTooLarge, ValueError for nothing.
    """
    require_finance(actor)
    if amount <= ZERO:
        raise ValueError("an advance is of a positive amount")
    with core.transaction() as session:
        now, id = core.now(session), AdvanceId(new_id())
        name = merchants.load_merchant(session, merchant=merchant).name
        store.lock_advances(session, merchant)
        waits = SettlementAdvanceRow.status == AdvanceStatus.PROPOSED
        if advances(session, SettlementAdvanceRow.merchant_id == merchant, waits, limit=1):
            raise AlreadyProposed
        left = may_advance(session, merchant)
        if amount > left:
            raise AdvanceTooLarge(most=_most(session), left=left)
        assert actor.id is not None, "staff has an id"
        row = SettlementAdvanceRow(
            id=id,
            merchant_id=merchant,
            amount_fen=amount,
            status=ADVANCE.initial,
            reason=reason,
            proposed_by=actor.id,
            occurred_at=now,
        )
        approval = approvals.propose(
            session,
            action=ADVANCE_ACTION,
            object_type=ADVANCE.name,
            object_id=id,
            area="",
            title=name,
            payload=_frozen(row),
            maker=actor,
            now=now,
            amount=amount,
            group=f"{ADVANCE_ACTION}:{merchant}",
        )
        row.approval_id = approval
        session.add(row)
        session.flush()
        return approval


def may_advance(session: Session, merchant: MerchantId) -> Money:
    """How much more a merchant may be paid ahead: the most, less what is asked for or approved, and
    less what it owes.
    """
    pending = Money.total(
        one.amount_fen
        for one in advances(
            session,
            SettlementAdvanceRow.merchant_id == merchant,
            SettlementAdvanceRow.status.in_(_PENDING),
        )
    )
    owed = max(ZERO, owed_now(session, [merchant])[merchant])
    return max(ZERO, _most(session) - pending - owed)


def advances(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> Sequence[SettlementAdvanceRow]:
    """Advances that match, newest first."""
    row = SettlementAdvanceRow
    return session.scalars(select(row).where(*where).order_by(row.id.desc()).limit(limit)).all()


def _most(session: Session) -> Money:
    return Money(core_of(session).settings.settlement.advance_most_fen)


def draft_advances(session: Session, batch: SettlementRow) -> None:
    """Lines for the advances that can be paid. A replayed programme's batch takes none."""
    if batch.programme_id is None:
        rows = payable(session, batch.drafted_at)
        whose = {MerchantId(one.merchant_id) for one in rows}
        names = merchants.merchant_names(session, merchants=whose)
        store.add_payouts(
            session, [_line(batch, one, names[MerchantId(one.merchant_id)]) for one in rows]
        )


def payable(session: Session, at: datetime) -> list[SettlementAdvanceRow]:
    """Approved advances that no line pays yet and whose merchants may be paid at an instant."""
    approved = SettlementAdvanceRow.status == AdvanceStatus.APPROVED
    paid = select(SettlementLineRow.payout_id).where(
        SettlementLineRow.kind == LineKind.ADVANCE, store.DUE
    )
    rows = session.scalars(
        select(SettlementAdvanceRow)
        .where(approved, SettlementAdvanceRow.id.not_in(paid))
        .order_by(SettlementAdvanceRow.id)
    ).all()
    whose = {MerchantId(one.merchant_id) for one in rows}
    kept = kept_back(session, whose, at)
    return [one for one in rows if one.merchant_id not in kept]


def paid(session: Session, line: SettlementLineRow, now: datetime) -> None:
    """The merchant has it and owes it; no funder bears it until it is netted off."""
    whose = MerchantId(line.merchant_id or UUID(int=0))
    legs = move(line.due_fen, merchant(whose, Stage.RECEIVABLE), merchant(whose, Stage.SETTLED))
    ledger.post(session, code=Code.PAID_AHEAD, key=str(line.id), legs=legs, now=now)
    assert line.payout_id is not None, "an advance's line names it"
    _move(session, AdvanceId(line.payout_id), AdvanceEvent.PAID, SYSTEM, now)


def came_back(session: Session, line: SettlementLineRow, now: datetime) -> None:
    """The bank sent it back: it is approved, and not paid."""
    assert line.payout_id is not None, "an advance's line names it"
    _move(session, AdvanceId(line.payout_id), AdvanceEvent.SENT_BACK, SYSTEM, now)


def _execute(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = _row(session, AdvanceId(UUID(payload["advance"])))
    if _frozen(row) != payload:
        raise ChangedSinceProposed
    _move(session, AdvanceId(row.id), AdvanceEvent.APPROVED, actor, now)


def _refuse(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    _move(session, AdvanceId(UUID(payload["advance"])), AdvanceEvent.REFUSED, actor, now)


def _move(
    session: Session, id: AdvanceId, event: AdvanceEvent, actor: Actor, now: datetime
) -> None:
    audit.transition(
        session,
        SettlementAdvanceRow,
        id=id,
        current=_row(session, id).status,
        lifecycle=ADVANCE,
        event=event,
        actor=actor,
        now=now,
    )


def _row(session: Session, id: AdvanceId) -> SettlementAdvanceRow:
    found = session.get(SettlementAdvanceRow, id, populate_existing=True)
    if found is None:
        raise NoSuchThing
    return found


def _frozen(row: SettlementAdvanceRow) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON."""
    return {
        "advance": str(row.id),
        "merchant": str(row.merchant_id),
        "amount_fen": row.amount_fen.fen,
        "reason": row.reason,
    }


def _line(batch: SettlementRow, row: SettlementAdvanceRow, name: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "batch_id": batch.id,
        "kind": LineKind.ADVANCE,
        "merchant_id": row.merchant_id,
        "payout_id": row.id,
        "subject_id": None,
        "name": name,
        "items": 0,
        "due_fen": row.amount_fen,
        "deducted_fen": ZERO,
        "status": LINE.initial,
    }


approvals.register(ADVANCE_ACTION, execute=_execute, refuse=_refuse)
