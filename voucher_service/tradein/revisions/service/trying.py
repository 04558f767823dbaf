"""A draft tried at the desk: begun, computed by a job in parts, read, deleted after a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from voucher_service.infra import areas, outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import start_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import new_id

from ... import shelf
from ..effects import Tally
from ..model import Trial, TrialId, kind_of
from ..sources import AT_ONCE, LAST, past
from ..tables import TrialRow
from .opening import SEES, require

JOB = "try_policy"
_KEPT = timedelta(days=1)
_DRAFT = "draft"


def begin_trial(
    core: Core, *, actor: Actor, text: str, first: date, last: date, area: str = ""
) -> TrialId:
    """Want a draft tried on what was bought on these days, both included, in an area, as far as it
    is the actor's.

    Raises NotAllowed, also where it is not; DataFileInvalid.
    """
    require(actor, SEES)
    if not (areas.within(area, actor.area) or areas.within(actor.area, area)):
        raise NotAllowed
    shelf.parse(_DRAFT, text.encode("utf-8", "replace"))
    with core.transaction() as session:
        now, id = core.now(session), TrialId(new_id())
        session.add(
            TrialRow(
                id=id,
                draft=text,
                first=first,
                last=last,
                area=max(area, actor.area, key=len),
                cursor_at=now,
                cursor_id=LAST,
                created_by=actor.id,
                created_at=now,
            )
        )
        outbox.add(session, kind=JOB, key=f"{JOB}:{id}", args={"trial": str(id)})
        return id


def compute_trial(core: Core, *, trial: TrialId, most: int = AT_ONCE) -> bool:
    """Look at the next decisions, `most` at a time; whether there are more.

    The sums and how far they reach are written together: a run that is killed counts nothing twice.
    """
    with core.transaction() as session:
        row = session.get(TrialRow, trial, with_for_update=True, populate_existing=True)
        if row is None or row.done:
            return False
        draft = shelf.parse(_DRAFT, row.draft.encode("utf-8", "replace"))
        tally = Tally.of(draft, row.sums)
        part = past(
            session,
            kind=kind_of(draft.scheme),
            after=(row.cursor_at, row.cursor_id),
            since=start_of(row.first),
            most=most,
        )
        for one in part:
            case = one.decision.case
            bought = case.scheme is draft.scheme and row.first <= case.on <= row.last
            if bought and areas.within(one.area, row.area):
                tally.add(one)
        row.seen += len(part)
        row.sums = tally.sums
        if part:
            row.cursor_at, row.cursor_id = part[-1].at, part[-1].decision.id
        row.done = len(part) < most
        return not row.done


def stopped_trials(session: Session) -> list[str]:
    """The keys of trials whose job was done for its few seconds, and has more to do."""
    rows = session.scalars(select(TrialRow.id).where(TrialRow.done.is_(False)))
    keys = [f"{JOB}:{one}" for one in rows]
    return [key for key in keys if outbox.served(session, key=key)]


def again(session: Session, *, key: str) -> str:
    """Want the job of a trial once more; its key."""
    outbox.add(session, kind=JOB, key=key, args={"trial": key.partition(":")[2]})
    return key


def trial(core: Core, *, actor: Actor, trial: TrialId) -> Trial:
    """A trial of the actor's area. Raises NotAllowed, NoSuchThing."""
    require(actor, SEES)
    with core.transaction() as session:
        row = session.get(TrialRow, trial)
        if row is None or not areas.within(row.area, actor.area):
            raise NoSuchThing
        draft = shelf.parse(_DRAFT, row.draft.encode("utf-8", "replace"))
        return Trial(
            TrialId(row.id),
            row.draft,
            draft,
            row.first,
            row.last,
            row.done,
            row.seen,
            row.cursor_at if row.seen else None,
            Tally.of(draft, row.sums).effects(),
        )


def forget_trials(core: Core) -> int:
    """Delete trials that are a day old; how many."""
    with core.transaction() as session:
        old = TrialRow.created_at < core.now(session) - _KEPT
        gone: Any = session.execute(delete(TrialRow).where(old))
        return int(gone.rowcount)
