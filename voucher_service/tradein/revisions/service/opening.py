"""A revision is begun, looked at and given up."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import WAS_PUBLISHED, CampaignKind
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CampaignId, new_id
from voucher_service.kernel.page import Page, cut, decode_ids, decode_moment, encode_cursor

from ...policy import Policy
from ...shelf import shelf
from .. import store
from ..model import (
    LIFECYCLE,
    OPEN,
    Event,
    Line,
    PolicyUnknown,
    Revision,
    RevisionId,
    RevisionStands,
    Status,
)
from ..sources import LAST
from ..tables import RevisionLineRow, RevisionRow
from .computing import want

SEES = frozenset({Role.PLANNER, Role.APPROVER, Role.FINANCE, Role.AUDITOR})


def begin(
    core: Core, *, actor: Actor, policy: str, campaign: CampaignId, known_until: date | None = None
) -> Revision:
    """Have every past decision that a policy changes looked up, in a campaign's area; its lines
    pay the differences. `known_until`, today at the latest and by default: policies published later
    don't count. One of the same kind and area that is not proposed yet gives way.

    Raises NotAllowed, NoSuchThing for a campaign that never ran or of another kind, PolicyUnknown,
    RevisionStands.
    """
    if not actor.has(Role.PLANNER):
        raise NotAllowed
    found, _, _ = campaigns.campaign(core, actor=actor, campaign=campaign)
    if found.kind is not CampaignKind.TRADE_IN or found.status not in WAS_PUBLISHED:
        raise NoSuchThing
    with core.transaction() as session:
        now = core.now(session)
        known = min(known_until or day_of(now), day_of(now))
        policies = _known(policy, known)
        _give_way(session, policies[policy], found.area, actor, now)
        assert actor.id is not None
        row = RevisionRow(
            id=new_id(),
            policy_id=policy,
            policies=sorted(policies),
            scheme=policies[policy].scheme,
            campaign_id=campaign,
            area=found.area,
            known_until=known,
            status=LIFECYCLE.initial,
            cursor_at=now,
            cursor_id=LAST,
            created_by=actor.id,
            created_at=now,
        )
        session.add(row)
        session.flush()
        told = {"policy": policy, "campaign": str(campaign), "known_until": known.isoformat()}
        audit.record(
            session,
            actor=actor,
            action="revision.begun",
            object_type=LIFECYCLE.name,
            object_id=str(row.id),
            now=now,
            detail=told,
        )
        want(session, revision=RevisionId(row.id))
        return store.view(row)


def revisions(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Revision]:
    """Revisions of the actor's area, newest first. Raises NotAllowed, CursorInvalid."""
    require(actor, SEES)
    after = decode_moment(cursor)
    with core.transaction() as session:
        found = store.revisions(session, area=actor.area, after=after, most=limit + 1)
    return cut(found, limit, lambda one: (one.created_at, one.id))


def revision(core: Core, *, actor: Actor, revision: RevisionId) -> Revision:
    """One revision of the actor's area. Raises NoSuchThing, NotAllowed."""
    require(actor, SEES)
    with core.transaction() as session:
        return store.view(own(session, actor, revision))


def lines(
    core: Core, *, actor: Actor, revision: RevisionId, cursor: str | None, limit: int
) -> Page[Line]:
    """The decisions that a revision changes, by their ids.

    Raises NoSuchThing, NotAllowed, CursorInvalid.
    """
    require(actor, SEES)
    after = (revision, decode_ids(cursor, 1)[0]) if cursor else None
    with core.transaction() as session:
        own(session, actor, revision)
        where = RevisionLineRow.revision_id == revision
        rows = store.lines(session, where, after=after, most=limit + 1)
        shown = [store.line_view(*one) for one in rows[:limit]]
    more = len(rows) > limit
    return Page(shown, encode_cursor(shown[-1].subject_id) if more else None)


def cancel(core: Core, *, actor: Actor, revision: RevisionId) -> None:
    """Give up a revision that is not proposed. Raises NoSuchThing, NotAllowed, IllegalTransition,
    OvertakenByAnother.
    """
    require(actor, {Role.PLANNER})
    with core.transaction() as session:
        row = own(session, actor, revision, lock=True)
        move(session, row, Event.CANCELLED, actor, core.now(session))


def _known(policy: str, until: date) -> dict[str, Policy]:
    """The policies of the same scheme that were published by a day, by id. Raises PolicyUnknown."""
    published = {one.id: one for one in shelf() if one.published_on <= until}
    if policy not in published:
        raise PolicyUnknown(policy=policy, day=until)
    scheme = published[policy].scheme
    return {id: one for id, one in published.items() if one.scheme is scheme}


def _give_way(session: Session, policy: Policy, area: str, actor: Actor, now: datetime) -> None:
    same = RevisionRow.scheme == policy.scheme, RevisionRow.area == area
    for row in store.standing(session, *same, RevisionRow.status.in_(OPEN)):
        if row.status is Status.PROPOSED:
            raise RevisionStands(extra={"revision": str(row.id)})
        move(session, row, Event.SUPERSEDED, actor, now)


def move(
    session: Session, row: RevisionRow, event: Event, actor: Actor, now: datetime, **values: Any
) -> None:
    """Take a locked revision one step on. Raises IllegalTransition, OvertakenByAnother."""
    audit.transition(
        session,
        RevisionRow,
        id=row.id,
        current=row.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_=values,
    )


def own(session: Session, actor: Actor, id: RevisionId, *, lock: bool = False) -> RevisionRow:
    """A revision of the actor's area. Raises NoSuchThing."""
    row = store.row(session, id, lock=lock)
    if not areas.within(row.area, actor.area):
        raise NoSuchThing
    return row


def require(actor: Actor, roles: Collection[Role]) -> None:
    """Raises NotAllowed unless the actor has one of the roles."""
    if not actor.has(*roles):
        raise NotAllowed
