"""The list of a revision, computed a part at a time; whoever takes over a run that died goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import areas, outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.money import ZERO, Money

from ... import shelf
from ...policy import Policy
from ...revision import Decision, Difference, Past, anew
from .. import store
from ..model import LIFECYCLE, Event, Kind, RevisionId, Status, kind_of
from ..sources import AT_ONCE, past
from ..tables import RevisionRow

JOB = "revise"


def want(session: Session, *, revision: RevisionId) -> str:
    """Want the job that computes; its key."""
    key = f"{JOB}:{revision}"
    outbox.add(session, kind=JOB, key=key, args={"revision": str(revision)})
    return key


def stopped(session: Session) -> list[RevisionId]:
    """Revisions whose job was done for its few seconds, and has more to do."""
    waiting = store.computing(session)
    return [one for one in waiting if outbox.served(session, key=f"{JOB}:{one}")]


def compute(core: Core, *, revision: RevisionId, most: int = AT_ONCE) -> bool:
    """Look at the next decisions, `most` at a time; whether there are more.

    What was looked at and what was found are written together, so that a run that is killed leaves
    nothing half done, and the list is the same however often it was taken up again. Nothing
    happens to a revision that is not being computed. Raises NoSuchThing.
    """
    with core.transaction() as session:
        row = store.row(session, revision, lock=True)
        if row.status is not Status.COMPUTING:
            return False
        kind = kind_of(row.scheme)
        part = past(session, kind=kind, after=(row.cursor_at, row.cursor_id), most=most)
        found = _differences(session, row, part)
        store.add_lines(session, [_line(revision, kind, one, again) for one, again in found])
        changes = [again.change for _, again in found]
        row.seen += len(part)
        row.changed += len(found)
        row.more_fen += Money.total(one for one in changes if one > ZERO)
        row.less_fen += Money.total(-one for one in changes if one < ZERO)
        if part:
            row.cursor_at, row.cursor_id = part[-1].at, part[-1].decision.id
        session.flush()
        if len(part) == most:
            return True
        audit.transition(
            session,
            RevisionRow,
            id=row.id,
            current=row.status,
            lifecycle=LIFECYCLE,
            event=Event.COMPUTED,
            actor=SYSTEM,
            now=core.now(session),
            set_={"list_sha256": store.fingerprint(session, revision)},
            detail={"seen": row.seen, "changed": row.changed, "more_fen": row.more_fen.fen},
        )
        return False


def _differences(
    session: Session, row: RevisionRow, part: Sequence[Past]
) -> list[tuple[Past, Difference]]:
    """Which of these decisions the policy changes, beyond what earlier revisions added to them."""
    policies = [shelf.policy(one) for one in row.policies]
    mine = [
        one
        for one in part
        if one.decision.case.scheme is row.scheme and areas.within(one.area, row.area)
    ]
    added = store.added(session, [one.decision.id for one in mine])
    again = [(one, _again(one, added.get(one.decision.id, ZERO), policies)) for one in mine]
    return [
        (one, found)
        for one, found in again
        if found.change != ZERO and found.policy_id == row.policy_id
    ]


def _again(one: Past, added: Money, policies: Sequence[Policy]) -> Difference:
    made = one.decision
    so_far = Decision(made.id, made.case, made.subsidy + added, made.policy_id)
    return anew(so_far, policies)


def _line(revision: UUID, kind: Kind, one: Past, again: Difference) -> Mapping[str, Any]:
    return {
        "revision_id": revision,
        "subject_id": one.decision.id,
        "kind": kind,
        "resident_id": one.resident_id,
        "category": one.decision.case.category,
        "area": one.area,
        "before_fen": again.decision.subsidy,
        "after_fen": again.subsidy,
        "reasons": [str(reason) for reason in again.reasons],
    }
