"""A revision is approved as one decision over its whole list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed, fingerprint
from voucher_service.budgets import service as budgets
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.ids import ApprovalId, CampaignId
from voucher_service.kernel.money import ZERO
from voucher_service.notices import service as notices
from voucher_service.notices.model import Kind as NoticeKind

from ... import shelf
from .. import sources, store
from ..model import LIFECYCLE, Event, NothingToPay, RevisionId, Status, kind_of
from ..tables import RevisionRow
from .opening import move, own, require

APPROVE = "revision.approve"


def propose(core: Core, *, actor: Actor, revision: RevisionId) -> ApprovalId:
    """Ask for the differences to be paid, all of them, as they are listed.

    Raises NoSuchThing, NotAllowed, NothingToPay, IllegalTransition, OvertakenByAnother.
    """
    require(actor, {Role.PLANNER})
    with core.transaction() as session:
        row, now = own(session, actor, revision, lock=True), core.now(session)
        LIFECYCLE.next(row.status, Event.PROPOSED)
        if row.more_fen == ZERO:
            raise NothingToPay
        move(session, row, Event.PROPOSED, actor, now)
        return approvals.propose(
            session,
            action=APPROVE,
            object_type=LIFECYCLE.name,
            object_id=row.id,
            area=row.area,
            title=shelf.policy(row.policy_id).name.zh,
            payload=_frozen(row),
            maker=actor,
            now=now,
            amount=row.more_fen,
            group=f"{APPROVE}:{row.campaign_id}",
            authors={row.created_by},
        )


def _frozen(row: RevisionRow) -> dict[str, Any]:
    """Everything an approver signs for; the list itself as a hash over each of its lines."""
    return {
        "revision": str(row.id),
        "policy": row.policy_id,
        "policies": row.policies,
        "known_until_on": row.known_until.isoformat(),
        "campaign": str(row.campaign_id),
        "area": row.area,
        "seen": row.seen,
        "changed": row.changed,
        "more_fen": row.more_fen.fen,
        "less_fen": row.less_fen.fen,
        "list_sha256": row.list_sha256,
    }


def _approve(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    id = RevisionId(UUID(payload["revision"]))
    scheme = store.row(session, id).scheme
    # One of a kind after the other: lists of a city and of its county may hold the same decision.
    same = RevisionRow.scheme == scheme, RevisionRow.status == Status.PROPOSED
    waiting = {row.id: row for row in store.standing(session, *same)}
    row = waiting.get(id)
    if row is None:
        raise ChangedSinceProposed
    if fingerprint(_frozen(row)) != fingerprint(payload) or _moved(session, row):
        raise ChangedSinceProposed
    move(session, row, Event.APPROVED, actor, now, decided_at=now)
    campaign = CampaignId(row.campaign_id)
    parts = budgets.top_up(
        session, campaign=campaign, amount=row.more_fen, key=f"revision:{id}", now=now
    )
    store.share(session, id, parts)
    title = shelf.policy(row.policy_id).name.zh
    for residents in store.owed(session, id):
        notices.add(
            session,
            kind=NoticeKind.REVISION_OWED,
            subject=id,
            residents=residents,
            title=title,
            at=now,
            now=now,
        )


def _moved(session: Session, row: RevisionRow) -> bool:
    """Whether the list, or what was decided of something on it, is not what was proposed."""
    id = RevisionId(row.id)
    if store.fingerprint(session, id) != row.list_sha256:
        return True
    kind = kind_of(row.scheme)
    for before in store.pieces(session, id):
        stands = sources.standing(session, kind=kind, ids=before.keys())
        added = store.added(session, before.keys())
        if any(
            subject not in stands or stands[subject] + added.get(subject, ZERO) != amount
            for subject, amount in before.items()
        ):
            return True
    return False


def _send_back(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = store.row(session, RevisionId(UUID(payload["revision"])), lock=True)
    move(session, row, Event.SENT_BACK, actor, now)


approvals.register(APPROVE, execute=_approve, refuse=_send_back)
