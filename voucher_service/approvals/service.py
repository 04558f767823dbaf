"""Propose, sign, execute. Features register what may be executed; nothing else spends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.idempotency import once
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import Page

from . import store
from .model import (
    LIFECYCLE,
    OWNER,
    AlreadyDecided,
    AlreadyProposed,
    Approval,
    Bands,
    Event,
    PayloadChanged,
    Reason,
    Rule,
    Signature,
    Status,
    fingerprint,
    reasons,
    signatures,
)
from .tables import ApprovalRow, SignatureRow

Execute = Callable[[Session, Mapping[str, Any], Actor, datetime], None]
Refuse = Callable[[Session, Mapping[str, Any], Actor, datetime], None]
_EXECUTORS: dict[str, tuple[Execute, Refuse]] = {}
_LAPSE_AT_ONCE = 50


def register(action: str, *, execute: Execute, refuse: Refuse) -> None:
    """Say what an approved (or refused) action does. Called once by the feature that owns it.

    `refuse` also runs when the maker withdraws the proposal and when it lapses.
    """
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
    amount: Money = ZERO,
    group: str | None = None,
    authors: Collection[UUID] = (),
    live: bool = False,
    steep: bool = False,
    simulation: Mapping[str, Any] | None = None,
) -> ApprovalId:
    """Freeze a payload and wait for signatures. Raises AlreadyProposed.

    `amount` is what it can cost at most: it decides how many sign, together with what the same
    `group` (else: the same action in the same area) proposed in the last days. `authors` planned or
    changed the thing and can't sign; `live`: it changes an offer that is running; `steep`: a
    voucher takes more off than is usual; `simulation` is what the signers are shown.
    """
    if action not in _EXECUTORS or maker.id is None:
        raise RuntimeError(f"{action} is not registered, or nobody proposes it")
    rules = core_of(session).settings.approvals
    row = ApprovalRow(
        id=new_id(),
        action=action,
        object_type=object_type,
        object_id=object_id,
        area=area,
        title=title,
        payload=dict(payload),
        payload_sha256=fingerprint(payload),
        maker_id=maker.id,
        authors=sorted(set(authors) - {maker.id}),
        amount_fen=amount,
        split_group=group or f"{action}:{area}",
        simulation=dict(simulation) if simulation else None,
        status=LIFECYCLE.initial,
        proposed_at=now,
        expires_at=now + timedelta(days=rules.lapse_days),
    )
    why = _judge(session, row, maker, now, live=live, steep=steep)
    row.signatures_needed, row.why = signatures(why), store.as_json(why)
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise AlreadyProposed from error
    id = ApprovalId(row.id)
    told = {
        "action": action,
        "payload_sha256": row.payload_sha256,
        "amount_fen": amount.fen,
        "signatures_needed": row.signatures_needed,
    }
    _record(session, "approval.proposed", id, maker, now, told)
    return id


def approve(core: Core, *, actor: Actor, approval: ApprovalId, key: str | None = None) -> Approval:
    """Sign; with the last signature needed, execute the frozen payload in the same transaction.

    Raises NoSuchThing, SamePerson, OwnWork, AlreadyDecided, PayloadChanged, NotAllowed, and
    whatever the execution refuses. The same key again signs nothing and says how it stands.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = _mine(session, actor, approval, lock=True)
        if _again(session, actor, approval, "approve", key):
            return replace(found, replayed=True)
        _check_signer(actor, found, now)
        if fingerprint(found.payload) != found.payload_sha256:
            raise PayloadChanged
        session.add(
            SignatureRow(
                approval_id=approval,
                staff_id=actor.id,
                maker_id=found.maker_id,
                payload_sha256=found.payload_sha256,
                signed_at=now,
            )
        )
        session.flush()
        told = {"payload_sha256": found.payload_sha256}
        _record(session, "approval.signed", approval, actor, now, told)
        if len(found.signatures) + 1 >= found.signatures_needed:
            _decide(session, found, Event.EXECUTED, actor, now)
            _EXECUTORS[found.action][0](session, found.payload, actor, now)
        return store.load(session, approval)


def reject(
    core: Core, *, actor: Actor, approval: ApprovalId, reason: str, key: str | None = None
) -> Approval:
    """Send the proposal back with a reason. Its maker withdraws it so: that spends nothing.

    Raises NoSuchThing, SamePerson, OwnWork, AlreadyDecided, NotAllowed. The same key again changes
    nothing and says how it stands.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = _mine(session, actor, approval, lock=True)
        if _again(session, actor, approval, "reject", key):
            return replace(found, replayed=True)
        event = Event.WITHDRAWN if actor.id == found.maker_id else Event.REJECTED
        if event is Event.REJECTED:
            _check_signer(actor, found, now)
        _refuse(session, found, event, actor, now, reason)
        return store.load(session, approval)


def lapse_due(core: Core) -> int:
    """Let proposals lapse that nobody decided in time; how many.

    By the core's clock and by the servers' own: what a replay proposes lives on its own clock.
    """
    waited = timedelta(days=core.settings.approvals.lapse_days)
    with core.transaction() as session:
        now = core.now(session)
        found = store.due(session, now, now - waited, _LAPSE_AT_ONCE)
    for one in found:
        with core.transaction() as session:
            stands = store.load(session, one, lock=True)
            if stands.status is Status.WAITING:
                _refuse(session, stands, Event.LAPSED, SYSTEM, now, None)
    return len(found)


def get(core: Core, *, actor: Actor, approval: ApprovalId) -> Approval:
    """One proposal within the actor's area. Raises NoSuchThing."""
    with core.transaction() as session:
        return _mine(session, actor, approval)


def page(
    core: Core, *, actor: Actor, status: Status | None, cursor: str | None, limit: int
) -> Page[Approval]:
    """Proposals of the actor's area, oldest first."""
    with core.transaction() as session:
        return store.page(session, area=actor.area, status=status, cursor=cursor, limit=limit)


def latest(
    core: Core, *, actor: Actor, about: UUID, status: Status, action: str | None = None
) -> Approval | None:
    """The newest proposal about a thing that stands so, of one action or any.

    None when there is none in the actor's area.
    """
    with core.transaction() as session:
        found = store.latest(session, about, status, action)
    return found if found is not None and areas.within(found.area, actor.area) else None


def sent_back_because(core: Core, *, about: UUID, action: str, since: datetime | None) -> str:
    """Why a thing that was handed in at an instant was sent back after it; "" where it was not."""
    found = latest(core, actor=SYSTEM, about=about, status=Status.REJECTED, action=action)
    if found is None or since is None or found.proposed_at < since:
        return ""
    return found.reason or ""


def signatures_of(session: Session, *, approval: ApprovalId) -> tuple[Signature, ...]:
    """Who signed a proposal so far. Raises NoSuchThing."""
    return store.load(session, approval).signatures


def changed_payloads(session: Session) -> list[ApprovalId]:
    """Proposals whose payload is not the one that was frozen: somebody wrote to the table."""
    rows = store.every_payload(session)
    return [id for id, payload, sha256 in rows if fingerprint(payload) != sha256]


def _judge(
    session: Session, row: ApprovalRow, maker: Actor, now: datetime, *, live: bool, steep: bool
) -> tuple[Reason, ...]:
    """Why the proposal needs more signatures; what waits in its group is asked for them too."""
    rules = core_of(session).settings.approvals
    bands = Bands(Money(rules.second_signature_above_fen), Money(rules.third_signature_above_fen))
    together = row.amount_fen
    if row.amount_fen > ZERO:
        since = now - timedelta(days=rules.split_window_days)
        store.lock_group(session, row.split_group)
        together += store.group_sum(session, row.split_group, since)
        for other in store.group_waiting(session, row.split_group, since):
            _ask_more(session, other, bands, together, maker, now)
    return reasons(bands, row.amount_fen, together, live=live, steep=steep)


def _ask_more(
    session: Session, other: Approval, bands: Bands, together: Money, maker: Actor, now: datetime
) -> None:
    kept = [one for one in other.why if one.rule is not Rule.SPLIT]
    split = reasons(bands, other.amount, together, live=False, steep=False)
    why = [*kept, *(one for one in split if one.rule is Rule.SPLIT)]
    if signatures(why) > other.signatures_needed:
        store.ask_more(session, other.id, why)
        told = {"signatures_needed": signatures(why)}
        _record(session, "approval.raised", other.id, maker, now, told)


def _refuse(
    session: Session,
    found: Approval,
    event: Event,
    actor: Actor,
    now: datetime,
    reason: str | None,
) -> None:
    if found.status is not Status.WAITING:
        raise AlreadyDecided(extra={"status": str(found.status)})
    _decide(session, found, event, actor, now, reason)
    _EXECUTORS[found.action][1](session, found.payload, actor, now)


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


def _record(
    session: Session,
    action: str,
    id: ApprovalId,
    actor: Actor,
    now: datetime,
    detail: Mapping[str, Any],
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="approval",
        object_id=str(id),
        now=now,
        detail=detail,
    )


def _again(
    session: Session, actor: Actor, approval: ApprovalId, verb: str, key: str | None
) -> bool:
    """Whether this key decided this before. Raises KeyReused, InProgress."""
    body = {"approval": approval, "verb": verb}
    scope = f"{actor.name}:approval"
    return once(session, scope=scope, key=key, body=body, result=approval) is not None


def _mine(session: Session, actor: Actor, approval: ApprovalId, *, lock: bool = False) -> Approval:
    found = store.load(session, approval, lock=lock)
    if not areas.within(found.area, actor.area):
        raise NoSuchThing
    return found


def _check_signer(actor: Actor, found: Approval, now: datetime) -> None:
    """Who proposes is told so before the role is looked at."""
    found.check_signer(actor)
    if not actor.roles & OWNER[found.status]:
        raise NotAllowed
    if now >= found.expires_at:
        raise AlreadyDecided(extra={"status": str(Status.LAPSED)})
