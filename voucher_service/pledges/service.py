"""Use cases of pledges: one person enters what was promised, another agrees, reports read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.i18n import mark
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import InvalidInput, NotAllowed
from voucher_service.kernel.ids import ApprovalId, ProgrammeId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import Page, decode_ids, encode_cursor
from voucher_service.redemption.model import Payer

from . import store
from .model import LIFECYCLE, Event, Pledge, PledgeId
from .tables import PledgeRow

ENTER = "pledge.enter"
MAY_ENTER = (Role.PLANNER, Role.FINANCE)
_NEGATIVE, _LATER = mark("金额不能小于 0。"), mark("答应的日子不能在今天以后。")


def propose(
    core: Core,
    *,
    actor: Actor,
    programme: str,
    payer: Payer,
    name: str,
    amount: Money,
    pledged_on: date,
    document: str,
) -> ApprovalId:
    """Ask a second person to enter what somebody promised a programme, by its slug; nothing takes
    an earlier pledge of that name back.

    Raises NotAllowed, NoSuchThing, InvalidInput for a negative amount or a day to come.
    """
    if actor.kind is not ActorKind.STAFF or actor.area or not actor.has(*MAY_ENTER):
        raise NotAllowed
    assert actor.id is not None, "staff has an id"
    with core.transaction() as session:
        now = core.now(session)
        if amount < ZERO:
            raise InvalidInput(extra={"errors": {"amount": _NEGATIVE}})
        if pledged_on > day_of(now):
            raise InvalidInput(extra={"errors": {"pledged_on": _LATER}})
        of = campaigns.programme(session, slug=programme)
        row = PledgeRow(
            id=new_id(),
            programme_id=of.id,
            payer=payer,
            name=name,
            amount_fen=amount,
            pledged_on=pledged_on,
            document=document,
            status=LIFECYCLE.initial,
            proposed_by=actor.id,
            occurred_at=now,
        )
        row.approval_id = approvals.propose(
            session,
            action=ENTER,
            object_type=LIFECYCLE.name,
            object_id=row.id,
            area="",
            title=name,
            payload=_frozen(row),
            maker=actor,
            now=now,
        )
        session.add(row)
        session.flush()
        return ApprovalId(row.approval_id)


def pledges(
    core: Core, *, actor: Actor, programme: str, cursor: str | None, limit: int
) -> Page[Pledge]:
    """The pledges of a programme, newest first, for staff. Raises NotAllowed, NoSuchThing,
    CursorInvalid.
    """
    if actor.kind is not ActorKind.STAFF:
        raise NotAllowed
    after = decode_ids(cursor, 1)[0] if cursor else None
    with core.transaction() as session:
        of = campaigns.programme(session, slug=programme)
        rows = store.pledges(session, of.id, after=after, most=limit + 1)
        shown = [_view(one) for one in rows[:limit]]
    return Page(shown, encode_cursor(shown[-1].id) if len(rows) > limit else None)


def standing(session: Session, *, programme: ProgrammeId) -> dict[Payer, Money]:
    """What merchants, banks and platforms pledged to a programme by now."""
    return store.standing(session, programme)


def _execute(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = store.row(session, PledgeId(UUID(payload["pledge"])))
    if _frozen(row) != payload:
        raise ChangedSinceProposed
    _move(session, row, Event.ENTERED, actor, now)


def _refuse(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = store.row(session, PledgeId(UUID(payload["pledge"])))
    _move(session, row, Event.REFUSED, actor, now)


def _move(session: Session, row: PledgeRow, event: Event, actor: Actor, now: datetime) -> None:
    audit.transition(
        session,
        PledgeRow,
        id=row.id,
        current=row.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
    )


def _frozen(row: PledgeRow) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON."""
    return {
        "pledge": str(row.id),
        "programme": str(row.programme_id),
        "payer": str(row.payer),
        "name": row.name,
        "amount_fen": row.amount_fen.fen,
        "pledged_on": row.pledged_on.isoformat(),
        "document": row.document,
    }


def _view(row: PledgeRow) -> Pledge:
    assert row.approval_id is not None, "it is proposed with its row"
    return Pledge(
        PledgeId(row.id),
        row.payer,
        row.name,
        row.amount_fen,
        row.pledged_on,
        row.document,
        row.status,
        row.proposed_by,
        ApprovalId(row.approval_id),
        row.occurred_at,
    )


approvals.register(ENTER, execute=_execute, refuse=_refuse)
