"""Estimates and files for those who may see them; what to ask for where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, ProgrammeId
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from .. import store
from ..model import Check, CheckName, Counted, Design, Interval, Verdict, Window
from ..outcomes import Amounts, OutcomeFile
from ..tables import EstimateRow, OutcomeFileRow

# Chance alone, a place in a queue, whole areas, the shape of a bill: what is believed first.
BEST = (Design.LOTTERY, Design.CUTOFF, Design.AREAS, Design.BUNCHING)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One answer. `effect` is in yuan of spending per redeemed yuan; the others as in `model`."""

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

    @property
    def suspect(self) -> bool:
        """Whether a check does not stand."""
        return any(one.stands is False for one in self.checks)


def of_programme(session: Session, *, programme: ProgrammeId) -> list[Estimate]:
    """The newest answer for each offer, design and window; the most believable design first, and
    the longer window before the shorter.
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
    """The one figure to say where only one is said: one whose checks stand, where there is any."""
    found = [one for one in estimates if one.verdict is Verdict.ESTIMATED]
    return next((one for one in found if not one.suspect), next(iter(found), None))


def files(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[OutcomeFile]:
    """Imported files of offers of the actor's area, newest first. Raises CursorInvalid."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        mine = campaigns.offers_of_area(session, area=actor.area)
        where: list[ColumnElement[bool]] = [OutcomeFileRow.offer_id.in_(mine)]
        if after is not None:
            where.append(tuple_(OutcomeFileRow.imported_at, OutcomeFileRow.id) < after)
        found = store.files(session, *where, limit=limit + 1)
    items = found[:limit]
    if len(found) <= limit:
        return Page(items)
    return Page(items, encode_cursor(items[-1].imported_at.isoformat(), items[-1].id))


def _newest(session: Session, where: ColumnElement[bool]) -> list[Estimate]:
    rows = session.scalars(
        select(EstimateRow)
        .where(where)
        .ext(distinct_on(EstimateRow.offer_id, EstimateRow.design, EstimateRow.window))
        .order_by(
            EstimateRow.offer_id,
            EstimateRow.design,
            EstimateRow.window,
            EstimateRow.made_at.desc(),
            EstimateRow.id.desc(),
        )
    ).all()
    offers = campaigns.terms(session, offers={OfferId(row.offer_id) for row in rows})
    found = [_estimate(row, offers[OfferId(row.offer_id)]) for row in rows]
    return sorted(
        found,
        key=lambda one: (BEST.index(one.design), one.window is Window.DURING, one.offer.title),
    )


def _estimate(row: EstimateRow, offer: Offer) -> Estimate:
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
    )
