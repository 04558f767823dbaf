"""Finance records that a resident gave a paid difference back; a second person agrees."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId, CampaignId, RedemptionId, new_id
from voucher_service.kernel.money import ZERO, Money

from ... import shelf
from .. import store
from ..model import (
    LIFECYCLE,
    Kind,
    Line,
    ReturnReferenceReused,
    ReturnTooMuch,
    RevisionId,
    Status,
)
from ..tables import RevisionLineRow, RevisionReturnRow, RevisionRow
from .keeping import free, lock_sale
from .opening import SEES, own, require

RETURN = "revision.return"
OBJECT = "revision_return"


def differences_of(core: Core, *, actor: Actor, sale: RedemptionId) -> list[Line]:
    """What approved revisions of the actor's area add to the sale of a unit.

    Raises NotAllowed, and NoSuchThing when that is nothing.
    """
    require(actor, SEES)
    where = (RevisionLineRow.subject_id == sale, RevisionLineRow.kind == Kind.SALE, store.MORE)
    with core.transaction() as session:
        rows = store.lines(session, *where, RevisionRow.status == Status.APPROVED, most=None)
    found = [store.line_view(*one) for one in rows if areas.within(one[1].area, actor.area)]
    if not found:
        raise NoSuchThing
    return found


def propose_return(
    core: Core,
    *,
    actor: Actor,
    revision: RevisionId,
    sale: RedemptionId,
    amount: Money,
    reference: str,
) -> ApprovalId:
    """Say that so much of a unit's paid difference arrived, under the bank's reference. Once
    approved it is the funders' again, and the till may refund the unit.

    Raises NotAllowed, NoSuchThing for one that was not paid, ReturnTooMuch, ReturnReferenceReused.
    """
    require(actor, {Role.FINANCE})
    with core.transaction() as session:
        row, now = own(session, actor, revision), core.now(session)
        _check(session, revision, sale, amount, reference)
        return approvals.propose(
            session,
            action=RETURN,
            object_type=OBJECT,
            object_id=sale,
            area=row.area,
            title=shelf.policy(row.policy_id).name.zh,
            payload={
                "revision": str(revision),
                "sale": str(sale),
                "amount_fen": amount.fen,
                "reference": reference,
            },
            maker=actor,
            now=now,
            amount=amount,
            group=f"{RETURN}:{sale}",
        )


def _check(
    session: Session, revision: RevisionId, sale: RedemptionId, amount: Money, reference: str
) -> tuple[RevisionLineRow, RevisionRow]:
    lock_sale(session, sale=sale)
    found = store.line(session, revision, sale)
    if found is None or found[0].kind is not Kind.SALE or found[0].paid_at is None:
        raise NoSuchThing
    line, row = found
    left = store.kept_of(line)
    if not ZERO < amount <= left:
        raise ReturnTooMuch(extra={"left_fen": left.fen}, left=left)
    same = select(RevisionReturnRow.id).where(RevisionReturnRow.reference == reference)
    if session.execute(same).first() is not None:
        raise ReturnReferenceReused(reference=reference)
    return line, row


def _execute(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    revision, sale = RevisionId(UUID(payload["revision"])), RedemptionId(UUID(payload["sale"]))
    amount, reference = Money(payload["amount_fen"]), payload["reference"]
    line, row = _check(session, revision, sale, amount, reference)
    line.kept_fen = store.kept_of(line) - amount
    session.add(
        RevisionReturnRow(
            id=new_id(),
            revision_id=revision,
            subject_id=sale,
            amount_fen=amount,
            reference=reference,
            occurred_at=now,
        )
    )
    session.flush()
    campaign = CampaignId(row.campaign_id)
    free(session, revision=revision, campaign=campaign, amount=amount, paid=True, now=now)
    audit.record(
        session,
        actor=actor,
        action="revision.returned",
        object_type=LIFECYCLE.name,
        object_id=str(revision),
        now=now,
        detail={"subject": str(sale), "amount_fen": amount.fen, "reference": reference},
    )


def _refuse(_session: Session, _payload: Mapping[str, Any], _actor: Actor, _now: datetime) -> None:
    """Nothing was changed by the proposal."""


approvals.register(RETURN, execute=_execute, refuse=_refuse)
