"""Estimates and files for those who may see them; what to ask for where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, Offer
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, ProgrammeId
from voucher_service.kernel.page import Page, cut, decode_moment

from .. import store, weeks
from ..model import Check, CheckName, Counted, Design, Interval, Verdict, Window
from ..outcomes import SAMPLE, Amounts, OutcomeFile, OutcomeFileId
from ..tables import EstimateRow, OutcomeFileRow

# Chance alone, a place in a queue, whole areas, the shape of a bill: what is believed first.
BEST = (Design.LOTTERY, Design.CUTOFF, Design.AREAS, Design.BUNCHING)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One answer. `effect` is in yuan of spending per redeemed yuan; the others as in `model`.
    `invented`: the file was made by `voucher outcomes sample`.
    """

    id: UUID
    offer: Offer
    design: Design
    window: Window
    amounts: Amounts
    verdict: Verdict
    effect: Interval | None
    offered: Interval | None
    redeemed: float | None
    treated: int | None
    control: int | None
    have: int | None
    needed: int | None
    unit: Counted | None
    checks: tuple[Check, ...]
    method: str
    seed: int
    file_sha256: str
    inputs_sha256: str
    made_at: datetime
    invented: bool

    @property
    def spending(self) -> Interval | None:
        """The effect on order amounts. Where payments were told, each redeemed yuan was spent too:
        an order is what was paid for it and what the voucher took off.
        """
        if self.effect is None or self.amounts is Amounts.ORDER:
            return self.effect
        one = self.effect
        return Interval(one.point + 1, one.low + 1, one.high + 1)

    @property
    def suspect(self) -> bool:
        """Whether a check does not stand."""
        return any(one.stands is False for one in self.checks)


def of_programme(session: Session, *, programme: ProgrammeId) -> list[Estimate]:
    """The newest answer for each offer, design and window, of invented data only while there are no
    others; the most believable design first, and the longer window before the shorter.
    """
    return _newest(session, EstimateRow.programme_id == programme)


def of_offer(core: Core, *, actor: Actor, offer: OfferId) -> list[Estimate]:
    """The newest answers about one offer of the actor's area. Raises NoSuchThing."""
    with core.transaction() as session:
        found = campaigns.offer(session, offer=offer)
        if not areas.within(found.issuing_area, actor.area):
            raise NoSuchThing
        return _newest(session, EstimateRow.offer_id == offer)


def headline(estimates: Sequence[Estimate]) -> Estimate | None:
    """The one figure to say where only one is said: the most believable whose checks stand, of data
    that were not invented; None without one.
    """
    return next(
        (
            one
            for one in estimates
            if one.verdict is Verdict.ESTIMATED and not one.suspect and not one.invented
        ),
        None,
    )


def files(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[OutcomeFile]:
    """Imported files of offers of the actor's area, newest first. Raises CursorInvalid."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        mine = campaigns.offers_of_area(session, area=actor.area)
        where: list[ColumnElement[bool]] = [OutcomeFileRow.offer_id.in_(mine)]
        if after is not None:
            where.append(tuple_(OutcomeFileRow.imported_at, OutcomeFileRow.id) < after)
        found = store.files(session, *where, limit=limit + 1)
    return cut(found, limit, lambda one: (one.imported_at, one.id))


def of_files(
    core: Core, *, files: Sequence[OutcomeFile]
) -> dict[OutcomeFileId, tuple[Offer, list[Estimate]]]:
    """Which offer each file is about, and what was estimated from it and not anew from a later."""
    ids = {one.head.offer for one in files}
    with core.transaction() as session:
        offers = campaigns.terms(session, offers=ids)
        found = _newest(session, EstimateRow.offer_id.in_(ids))
    return {
        one.id: (
            offers[one.head.offer],
            [each for each in found if each.file_sha256 == one.sha256],
        )
        for one in files
    }


def asked(core: Core, *, actor: Actor, limit: int) -> list[tuple[Offer, date, date]]:
    """The newest published offers of vouchers of the actor's area, and the first and the last day
    to ask for.
    """
    with core.transaction() as session:
        mine = {*campaigns.offers_of_area(session, area=actor.area)}
        # Residents of a replay don't exist: nobody can say what they spent.
        published = sorted(mine.intersection(campaigns.offer_ids(session)), reverse=True)
        # Some of the newest are for trying tills, or of qualifications.
        terms = campaigns.terms(session, offers=published[: 5 * limit])
    found = [
        one for one in terms.values() if one.issues is CampaignKind.VOUCHER and not one.sandbox
    ]
    return [(one, *weeks.asked(one)) for one in found[:limit]]


def _newest(session: Session, where: ColumnElement[bool]) -> list[Estimate]:
    invented = OutcomeFileRow.provider == SAMPLE
    question = (EstimateRow.offer_id, EstimateRow.design, EstimateRow.window)
    rows = session.execute(
        select(EstimateRow, invented)
        .join(OutcomeFileRow, OutcomeFileRow.id == EstimateRow.file_id)
        .where(where)
        .ext(distinct_on(*question, invented))
        .order_by(*question, invented, EstimateRow.made_at.desc(), EstimateRow.id.desc())
    ).all()
    real = {(row.offer_id, row.design, row.window) for row, made_up in rows if not made_up}
    kept = [
        (row, made_up)
        for row, made_up in rows
        if not made_up or (row.offer_id, row.design, row.window) not in real
    ]
    offers = campaigns.terms(session, offers={OfferId(row.offer_id) for row, _ in kept})
    found = [
        _estimate(row, offers[OfferId(row.offer_id)], invented=made_up) for row, made_up in kept
    ]
    return sorted(
        found,
        key=lambda one: (BEST.index(one.design), one.window is Window.DURING, one.offer.title),
    )


def _estimate(row: EstimateRow, offer: Offer, *, invented: bool) -> Estimate:
    effect = None
    if row.point is not None and row.low is not None and row.high is not None:
        effect = Interval(row.point, row.low, row.high)
    return Estimate(
        row.id,
        offer,
        row.design,
        row.window,
        row.amounts,
        row.verdict,
        effect,
        Interval(**row.offered) if row.offered else None,
        row.redeemed,
        row.treated,
        row.control,
        row.have,
        row.needed,
        row.unit,
        tuple(Check(CheckName(one["name"]), one["figure"], one["stands"]) for one in row.checks),
        row.method,
        row.seed,
        row.file_sha256,
        row.inputs_sha256,
        row.made_at,
        invented,
    )
