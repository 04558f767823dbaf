"""What can be paid of approved revisions, and the card that a buyer names for it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import documents
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, core_of
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CampaignId, ResidentId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import Page, decode_ids, encode_cursor

from ... import identifiers
from ...applications import service as applications
from ...applications.checks import same_name
from ...applications.model import Card
from .. import sources, store
from ..model import (
    LIFECYCLE,
    CardNotOwn,
    Kind,
    Line,
    LineState,
    Payable,
    RevisionId,
    Status,
)
from ..tables import RevisionLineRow, RevisionRow

_APPROVED = RevisionRow.status == Status.APPROVED
_DUE = _APPROVED & store.MORE & RevisionLineRow.paid_at.is_(None) & (store.KEPT > ZERO)
_WITH_CARD = (RevisionLineRow.kind == Kind.APPLICATION) | RevisionLineRow.card_cipher.is_not(None)
_NOT_DUE = (LineState.LISTED, LineState.CANCELLED, LineState.RETURNED)
After = tuple[RevisionId, UUID]
Rows = Sequence[tuple[RevisionLineRow, RevisionRow]]


def payable(
    session: Session, *, after: After | None = None, most: int
) -> tuple[list[Payable], After | None]:
    """Differences that can be paid now, by revision and decision, and after which to ask on.

    Left out are those without a card, and those whose decision no longer stands.
    """
    rows = store.lines(session, _DUE, _WITH_CARD, after=after, most=most)
    last = rows[-1][0] if len(rows) == most else None
    found = _payable(session, rows)
    return found, None if last is None else (RevisionId(last.revision_id), last.subject_id)


def left_of(
    session: Session, *, due: Collection[tuple[RevisionId, UUID]]
) -> dict[tuple[RevisionId, UUID], Money]:
    """What refunds and returns left of these differences."""
    rows = store.lines(session, store.these(due), most=None)
    return {
        (RevisionId(line.revision_id), line.subject_id): store.kept_of(line) for line, _ in rows
    }


def payees(
    session: Session, *, due: Collection[tuple[RevisionId, UUID]]
) -> dict[tuple[RevisionId, UUID], Payable]:
    """Those of these differences that can be paid now."""
    if not due:
        return {}
    rows = store.lines(session, store.these(due), _DUE, _WITH_CARD, most=None)
    return {(one.revision_id, one.subject_id): one for one in _payable(session, rows)}


def paid(session: Session, *, revision: RevisionId, subject: UUID, now: datetime) -> bool:
    """Note that a difference was paid; False when it was before. Raises NoSuchThing for one that
    is not due.
    """
    found = store.line(session, revision, subject)
    if found is None or not _is_due(found):
        raise NoSuchThing
    if not store.set_line(session, revision, subject, paid_at=now):
        return False
    audit.record(
        session,
        actor=SYSTEM,
        action="revision.paid",
        object_type=LIFECYCLE.name,
        object_id=str(revision),
        now=now,
        detail={"subject": str(subject)},
    )
    return True


def hand_over(session: Session, *, due: Collection[tuple[RevisionId, UUID]], now: datetime) -> None:
    """These differences go to the bank: until it answers, their units are not refunded. Raises
    NoSuchThing for one that is not due.
    """
    if due and store.send(session, due, now) != len(due):
        raise NoSuchThing


def came_back(session: Session, *, revision: RevisionId, subject: UUID) -> None:
    """The bank did not pay a difference."""
    store.set_line(session, revision, subject, sent_at=None)


def unpaid(session: Session, *, revision: RevisionId, subject: UUID, now: datetime) -> None:
    """The bank sent back what it had paid of a difference: it is due again. Raises NoSuchThing for
    one that was not paid.
    """
    if not store.unpay(session, revision, subject):
        raise NoSuchThing
    audit.record(
        session,
        actor=SYSTEM,
        action="revision.unpaid",
        object_type=LIFECYCLE.name,
        object_id=str(revision),
        now=now,
        detail={"subject": str(subject)},
    )


def mine(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Line]:
    """What the caller gets more by approved revisions. Raises NotAllowed, CursorInvalid."""
    resident = _resident(actor)
    after = None
    if cursor:
        last, subject = decode_ids(cursor, 2)
        after = RevisionId(last), subject
    where = RevisionLineRow.resident_id == resident
    with core.transaction() as session:
        rows = store.lines(session, where, _APPROVED, store.MORE, after=after, most=limit + 1)
        shown = [_shown(core.keyring, *one) for one in rows[:limit]]
    if len(rows) <= limit:
        return Page(shown)
    return Page(shown, encode_cursor(shown[-1].revision_id, shown[-1].subject_id))


def name_card(core: Core, *, actor: Actor, revision: RevisionId, subject: UUID, card: Card) -> None:
    """Name the caller's own card for what they get more of a sale; another replaces it until it is
    paid. Nobody looks at it, so that its holder must be the verified name.

    Raises NotAllowed, NoSuchThing, CardInvalid, NameInvalid, CardNotOwn.
    """
    resident = _resident(actor)
    told = {
        "holder": documents.name(card.holder),
        "number": identifiers.card(card.number).number,
        "bank": card.bank.strip(),
    }
    with core.transaction() as session:
        found = store.line(session, revision, subject)
        if found is None or not _is_due(found):
            raise NoSuchThing
        line, _ = found
        name = identity.name_of(session, keyring=core.keyring, resident=resident)
        if line.resident_id != resident or line.kind is not Kind.SALE:
            raise NoSuchThing
        if name is None or not same_name(name, told["holder"]):
            raise CardNotOwn
        cipher = _encrypt(core.keyring, line, told)
        if not store.set_line(session, revision, subject, card_cipher=cipher):
            raise NoSuchThing
        audit.record(
            session,
            actor=actor,
            action="revision.card_named",
            object_type=LIFECYCLE.name,
            object_id=str(revision),
            now=core.now(session),
            detail={"subject": str(subject)},
        )


def forget_card(session: Session, *, resident: ResidentId) -> None:
    """Delete the cards that a resident named for differences; what was paid stays."""
    store.forget_card(session, resident)


def rotate_fields(core: Core, *, batch: int = 1000) -> int:
    """Encrypt anew up to `batch` cards; how many there were. Call until it answers 0."""
    newest = core.keyring.encrypt("", bound_to="")[0]
    with core.transaction() as session:
        rows = store.older(session, newest, batch)
        for line in rows:
            line.card_cipher = _encrypt(core.keyring, line, _decrypt(core.keyring, line))
        session.flush()
        return len(rows)


def _payable(session: Session, rows: Rows) -> list[Payable]:
    cards = _cards(session, rows)
    return [
        Payable(
            RevisionId(line.revision_id),
            line.kind,
            line.subject_id,
            ResidentId(line.resident_id),
            CampaignId(revision.campaign_id),
            cards[line.subject_id],
            store.kept_of(line),
        )
        for line, revision in rows
        if line.subject_id in cards
    ]


def _cards(session: Session, rows: Rows) -> dict[UUID, Card]:
    """The cards of these lines whose decisions still stand, in clear."""
    keyring = core_of(session).keyring
    found: dict[UUID, Card] = {}
    for kind in Kind:
        lines = [line for line, _ in rows if line.kind is kind]
        stands = sources.standing(session, kind=kind, ids={line.subject_id for line in lines})
        if kind is Kind.APPLICATION:
            found |= applications.cards(session, ids=stands.keys())
        else:
            found |= {
                line.subject_id: Card(**_decrypt(keyring, line))
                for line in lines
                if line.subject_id in stands
            }
    return found


def _is_due(row: tuple[RevisionLineRow, RevisionRow]) -> bool:
    return store.line_view(*row).state not in _NOT_DUE


def _shown(keyring: Keyring, line: RevisionLineRow, revision: RevisionRow) -> Line:
    last4 = _decrypt(keyring, line)["number"][-4:] if line.card_cipher else ""
    return store.line_view(line, revision, last4=last4)


def _resident(actor: Actor) -> ResidentId:
    if actor.kind is not ActorKind.RESIDENT or actor.id is None:
        raise NotAllowed
    return ResidentId(actor.id)


def _encrypt(keyring: Keyring, line: RevisionLineRow, told: dict[str, str]) -> bytes:
    return keyring.encrypt(json.dumps(told, ensure_ascii=False), bound_to=_bound(line))


def _decrypt(keyring: Keyring, line: RevisionLineRow) -> dict[str, str]:
    assert line.card_cipher is not None  # asked for with a card only
    told: dict[str, str] = json.loads(keyring.decrypt(line.card_cipher, bound_to=_bound(line)))
    return told


def _bound(line: RevisionLineRow) -> str:
    return f"revision:{line.revision_id}:{line.subject_id}:card"
