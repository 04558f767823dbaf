"""Invented outcome files about an offer of the books, with an effect that is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money

from .. import sample_store, store, weeks
from ..outcomes import SAMPLE, Kind
from ..sample import sample


def invented(core: Core, *, offer: OfferId, kind: Kind, effect: float, seed: int) -> Iterator[str]:
    """The lines of a file that is long enough for both windows, about those who stand in the books:
    the keys handed to provider `sample`, the shops that redeemed the offer, or the counties of its
    province. Each redeemed yuan makes `effect` yuan more. Raises NoSuchThing.
    """
    with core.transaction() as session:
        store.patient(session)
        found = campaigns.offer(session, offer=offer)
        things = _things(session, kind, found)
    first, last = weeks.asked(found)
    return sample(
        kind,
        offer=offer,
        first=first,
        last=last,
        things=things,
        seed=seed,
        opens=weeks.valid(found)[0],
        effect=effect,
        threshold=found.threshold,
    )


def _things(session: Session, kind: Kind, offer: Offer) -> Mapping[str, Money]:
    if kind is Kind.PANEL:
        return sample_store.keys(session, offer.id, SAMPLE)
    if kind is Kind.ORDERS:
        return sample_store.shops(session, offer.id)
    redeemed = sample_store.areas(session, offer.programme_id)
    province = areas.full(offer.issuing_area[:2])
    counties = [one for city in areas.children(province) for one in areas.children(city)]
    return {
        county: Money.total(of for area, of in redeemed.items() if areas.within(area, county))
        for county in counties
    }
