"""What residents are paid: subsidies of cars, and differences that revisions found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.identity import documents
from voucher_service.kernel.ids import OfferId, new_id
from voucher_service.kernel.money import Money
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.applications.model import ApplicationId, Card
from voucher_service.tradein.revisions import service as revisions
from voucher_service.tradein.revisions.model import RevisionId

from .. import payment_store, store
from ..lifecycles import LINE
from ..model import LineKind, PayoutKind
from ..tables import SettlementLineRow, SettlementRow

# Of which kind the next payout is, and after which one.
Cursor = tuple[PayoutKind, Any]
START: Cursor = (PayoutKind.APPLICATION, None)
_LOOKED_AT, _READ_AT_ONCE = 200, 1_000


def any_due(session: Session, of: UUID | None, offers: Sequence[OfferId]) -> bool:
    """Whether a draft would pay a payout: one that can be paid and that no line pays yet, where a
    line that the draft ends pays none.
    """
    gone = set(lowered(session, payment_store.back_of_residents(session, of=of)))
    cursor: Cursor | None = START
    while cursor is not None:
        found, cursor = _next(session, offers, cursor, _LOOKED_AT)
        wanted = {(one["payout_id"], one["subject_id"]) for one in found}
        if wanted - store.paid_by_lines(session, {id for id, _ in wanted}, but=gone):
            return True
    return False


def draft_payouts(
    session: Session,
    row: SettlementRow,
    *,
    offers: Sequence[OfferId],
    cursor: Cursor,
    most: int,
) -> Cursor | None:
    """Lines for some payouts that no line pays yet; where to go on, None at the end."""
    found, reached = _next(session, offers, cursor, most)
    store.add_payouts(session, [{"id": new_id(), "batch_id": row.id} | one for one in found])
    return reached


def _next(
    session: Session, offers: Sequence[OfferId], cursor: Cursor, most: int
) -> tuple[list[dict[str, Any]], Cursor | None]:
    """Some payouts that can be paid, be it that a line pays them already, as lines would say them;
    where to go on, None at the end.
    """
    kind, after = cursor
    if kind is PayoutKind.APPLICATION:
        found, last = applications.payable(session, offers=offers, after=after, most=most)
        terms = campaigns.terms(session, offers={one.offer_id for one in found})
        subsidies = [
            _line(
                payout_kind=kind,
                payout_id=one.application_id,
                resident_id=one.resident_id,
                campaign_id=terms[one.offer_id].campaign_id,
                name=one.holder,
                due_fen=one.amount,
            )
            for one in found
        ]
        return subsidies, (kind, last) if last else (PayoutKind.REVISION, None)
    known = {one.campaign_id for one in campaigns.terms(session, offers=offers).values()}
    held = payment_store.held_payouts(session)
    differences, reached = revisions.payable(session, after=after, most=most)
    lines = [
        _line(
            payout_kind=kind,
            payout_id=one.revision_id,
            subject_id=one.subject_id,
            resident_id=one.resident_id,
            campaign_id=one.campaign_id,
            name=documents.masked(one.card.holder),
            due_fen=one.amount,
        )
        for one in differences
        if one.campaign_id in known and (one.revision_id, one.subject_id) not in held
    ]
    return lines, (kind, reached) if reached else None


def payees(session: Session, lines: Sequence[SettlementLineRow]) -> dict[UUID, tuple[Card, Money]]:
    """To which card each of these lines pays, in clear, and how much is due; by line. Those that
    may not be paid now are left out.
    """
    found: dict[UUID, tuple[Card, Money]] = {}
    for first in range(0, len(lines), _READ_AT_ONCE):
        found |= _payees(session, lines[first : first + _READ_AT_ONCE])
    return found


def _payees(
    session: Session, lines: Collection[SettlementLineRow]
) -> dict[UUID, tuple[Card, Money]]:
    asked = [ApplicationId(id) for one in lines if (id := _subsidy(one))]
    subsidies = applications.payees(session, applications=asked)
    differences = revisions.payees(session, due=_differences(lines))
    due: dict[object, tuple[Card, Money]] = {}
    due |= {id: (one.card, one.amount) for id, one in subsidies.items()}
    due |= {key: (one.card, one.amount) for key, one in differences.items()}
    found = {one.id: due.get(_subsidy(one) or _difference(one)) for one in lines}
    return {id: payee for id, payee in found.items() if payee is not None}


def lock(session: Session, lines: Collection[SettlementLineRow]) -> None:
    """Nobody refunds the units of these differences until the transaction ends. Before the budget
    lines are locked, as refunds do.
    """
    revisions.lock_due(session, due=_differences(lines))


def hand_over(session: Session, lines: Collection[SettlementLineRow], now: datetime) -> None:
    """Tell the payouts that they go to the bank."""
    revisions.hand_over(session, due=_differences(lines), now=now)


def paid(session: Session, line: SettlementLineRow, at: datetime) -> None:
    """Tell the payout that the bank paid it."""
    assert line.payout_id is not None, "a resident's line says what it pays"
    if line.payout_kind is PayoutKind.APPLICATION:
        applications.paid(session, application=ApplicationId(line.payout_id), at=at)
        return
    id, subject = _difference(line)
    revisions.paid(session, revision=id, subject=subject, now=at)


def bounced(session: Session, line: SettlementLineRow, reason: str) -> None:
    """Tell the payout that the bank sent it back: the payee may name another card."""
    if line.payout_kind is PayoutKind.REVISION:
        id, subject = _difference(line)
        revisions.came_back(session, revision=id, subject=subject)
    if line.payout_kind is PayoutKind.APPLICATION:
        assert line.payout_id is not None, "a resident's line says what it pays"
        applications.payout_refused(
            session, application=ApplicationId(line.payout_id), reason=reason
        )


def came_back(session: Session, line: SettlementLineRow, reason: str, now: datetime) -> None:
    """Tell the payout that the bank sent back what it had paid: it is due again, and the payee may
    name another card.
    """
    if line.payout_kind is PayoutKind.APPLICATION:
        bounced(session, line, reason)
        return
    id, subject = _difference(line)
    revisions.unpaid(session, revision=id, subject=subject, now=now)


def undone(session: Session, lines: Sequence[SettlementLineRow]) -> list[UUID]:
    """Those of these payouts that may no longer be paid as their lines say."""
    due = {id: amount for id, (_, amount) in payees(session, lines).items()}
    return [one.id for one in lines if due.get(one.id) != one.due_fen]


def lowered(session: Session, lines: Collection[SettlementLineRow]) -> list[UUID]:
    """Those of these lines of differences that are not what is left of them."""
    of = [one for one in lines if one.payout_kind is PayoutKind.REVISION]
    left = revisions.left_of(session, due=_differences(of))
    return [one.id for one in of if left[_difference(one)] != one.due_fen]


def _differences(lines: Collection[SettlementLineRow]) -> list[tuple[RevisionId, UUID]]:
    return [_difference(one) for one in lines if one.payout_kind is PayoutKind.REVISION]


def _subsidy(line: SettlementLineRow) -> UUID | None:
    """Of which application a line pays the subsidy, if of one."""
    return line.payout_id if line.payout_kind is PayoutKind.APPLICATION else None


def _difference(line: SettlementLineRow) -> tuple[RevisionId, UUID]:
    assert line.payout_id and line.subject_id, "a revision's line says of what"
    return RevisionId(line.payout_id), line.subject_id


def _line(**values: Any) -> dict[str, Any]:
    fixed: dict[str, Any] = {
        "kind": LineKind.PERSON,
        "subject_id": None,
        "items": 0,
        "deducted_fen": Money(0),
        "status": LINE.initial,
    }
    return fixed | values
