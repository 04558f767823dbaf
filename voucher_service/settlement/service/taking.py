"""What a draft takes, by the same steps for the draft and for whoever asks whether one is due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.clock import end_of
from voucher_service.kernel.ids import MerchantId, OfferId, ProgrammeId, RedemptionId
from voucher_service.redemption import service as redemption
from voucher_service.tradein.review import service as review

from ..model import HoldReason
from . import advancing, residents
from .holding import all_held
from .payees import kept_back
from .retrying import again

MERCHANTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Span:
    """What a batch takes in: offers, and what was redeemed before an instant. `of`: the replayed
    programme that it is about, None for all real ones.
    """

    of: UUID | None
    offers: Sequence[OfferId]
    until: datetime


def span_of(session: Session, *, of: UUID | None, day: date) -> Span:
    """What the batch of a day takes in."""
    if of is None:
        return Span(None, campaigns.offer_ids(session), end_of(day))
    slug = campaigns.programme_by_id(session, programme=ProgrammeId(of)).slug
    return Span(of, campaigns.offer_ids(session, programme=slug), end_of(day))


def anything(session: Session, span: Span, now: datetime) -> bool:
    """Whether a draft would take anything at all. What is held, what nobody may be paid, and the
    replayed programmes that it is not about do not count.
    """
    if again(session, of=span.of, now=now) or residents.any_due(session, span.of, span.offers):
        return True
    if span.of is None and advancing.payable(session, now):
        return True
    waiting, held = redemption.merchants_unpaid(session, after=None), all_held(session)
    return any(
        payable(session, waiting[first : first + MERCHANTS_AT_ONCE], span, now, held=held)
        for first in range(0, len(waiting), MERCHANTS_AT_ONCE)
    )


def payable(
    session: Session,
    some: Collection[MerchantId],
    span: Span,
    now: datetime,
    *,
    held: Mapping[RedemptionId, HoldReason],
    lock: bool = False,
) -> list[redemption.UnpaidOrder]:
    """What these merchants may be paid: not held, and of subsidised units what was released. With
    `lock` nobody refunds it until the transaction ends.
    """
    kept = kept_back(session, some, now)
    payees = [one for one in some if one not in kept]
    found = redemption.unpaid(
        session, merchants=payees, offers=span.offers, until=span.until, lock=lock
    )
    sales = [one.id for one in found if one.sale]
    released = review.released(session, redemptions=sales) if sales else set()
    return [one for one in found if one.id not in held and (not one.sale or one.id in released)]
