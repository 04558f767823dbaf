"""The programme of a synthetic book: planned, signed and published by the real services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Level
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferKind, OfferPlan, ReleasePlan
from voucher_service.infra import outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.clock import SHANGHAI, end_of
from voucher_service.kernel.ids import CampaignId
from voucher_service.kernel.money import Bps, Money, Rounding, largest_remainder
from voucher_service.replay.model import WHOLE_BPS, Assumed
from voucher_service.replay.publish import WantedCampaign, WantedLine, publish

from .model import LONGEST_DAYS, Wanted
from .office import Office, budgeted

_PROVINCE, _CITY = "440000", "441700"
_OPENS_AT = time(10)
_RELEASE_EVERY_DAYS = 5
_CITY_WIDE_BPS, _STILL_OPEN_BPS = 4_000, 1_000
_STILL_OPEN_DAYS = 30
_COUNTY_AT_ITS_SHOPS_BPS = 2_000


@dataclass(frozen=True, slots=True)
class _Terms:
    """What is offered, in yuan and days, and its share of a campaign's vouchers."""

    face: int
    threshold: int
    valid_days: int
    share_bps: int
    lapse_returns: bool = False

    @property
    def title(self) -> str:
        """As a resident reads it."""
        return f"满{self.threshold}元减{self.face}元"


_TERMS = (
    _Terms(20, 100, 7, 5_000),
    _Terms(50, 250, LONGEST_DAYS, 3_000),
    _Terms(100, 500, 2, 2_000, lapse_returns=True),
)
_STILL_OPEN_TERMS = (_Terms(30, 150, 3 * _STILL_OPEN_DAYS, 10_000),)


@dataclass(frozen=True, slots=True)
class Shelf:
    """An offer of the book, and how many of its vouchers are claimed in each release's window."""

    offer: Offer
    claims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Planned:
    """A campaign: its window, and how many vouchers of which terms are claimed."""

    name: str
    area: str
    opens_on: date
    closes_on: date
    vouchers: int
    terms: tuple[_Terms, ...]
    still_open: bool = False

    @property
    def openings(self) -> list[datetime]:
        """When its releases open."""
        days = 1 if self.still_open else (self.closes_on - self.opens_on).days + 1
        return [
            datetime.combine(self.opens_on + timedelta(days=n), _OPENS_AT, SHANGHAI)
            for n in range(0, days, _RELEASE_EVERY_DAYS)
        ]

    @property
    def claims(self) -> list[tuple[int, ...]]:
        """Of each of the terms: how many vouchers are claimed in each release's window."""
        parts = largest_remainder(self.vouchers, [one.share_bps for one in self.terms])
        return [tuple(largest_remainder(part, [1] * len(self.openings))) for part in parts]


def announce(core: Core, wanted: Wanted, assumed: Assumed, first: date) -> None:
    """Announce the programme, as synthetic: its time is its own. Raises ProgrammeExists."""
    campaigns.create_programme(
        core,
        actor=SYSTEM,
        slug=wanted.programme,
        name=f"合成账本 {wanted.programme}",
        name_en=f"Synthetic book {wanted.programme}",
        brand="huili",
        opens_on=first,
        closes_on=_closes_on(wanted, first),
        synthetic=True,
    )
    funders = [("province", "省级财政", Level.PROVINCE, _PROVINCE)]
    funders += [
        (one.slug, one.name.zh, Level.CITY if one.area == _CITY else Level.COUNTY, one.area)
        for one in assumed.funders
    ]
    for code, name, level, area in funders:
        budgets.create_funder(core, actor=SYSTEM, code=code, name=name, level=level, area=area)


def published(
    core: Core, wanted: Wanted, assumed: Assumed, first: date, staff: Office
) -> tuple[list[Shelf], list[CampaignId]]:
    """Every offer of the book, paid for and published, and the campaigns that end with it."""
    shelves: list[Shelf] = []
    ending: list[CampaignId] = []
    planned = list(_campaigns(wanted, assumed, first))
    asked = [_wanted(wanted.programme, one, assumed) for one in planned]
    budget = budgeted(core, staff, wanted.programme, _CITY, asked)
    for one, campaign in zip(planned, asked, strict=True):
        made = publish(
            core,
            replace(campaign, budget=budget[one.area]),
            planner=staff.planner,
            approvers=staff.approvers,
        )
        _, offers, _ = campaigns.campaign(core, actor=staff.planner, campaign=made.id)
        by_title = {offer.title: offer for offer in offers}
        for terms, claims in zip(one.terms, one.claims, strict=True):
            shelves.append(Shelf(_opened(core, by_title[terms.title]), claims))
        if not one.still_open:
            ending.append(made.id)
    return shelves, ending


def _campaigns(wanted: Wanted, assumed: Assumed, first: date) -> Iterator[_Planned]:
    last = first + timedelta(days=wanted.days - 1)
    open_bps = _STILL_OPEN_BPS if wanted.open_offer else 0
    counties = [one.share_bps for one in assumed.areas]
    rest = WHOLE_BPS - open_bps - _CITY_WIDE_BPS
    shares = [open_bps, _CITY_WIDE_BPS, *largest_remainder(rest, counties)]
    open_part, city_part, *parts = largest_remainder(wanted.vouchers, shares)
    yield _Planned("全市消费券", _CITY, first, last, city_part, _TERMS)
    for area, part in zip(assumed.areas, parts, strict=True):
        yield _Planned(f"{area.name.zh}消费券", area.code, first, last, part, _TERMS)
    if wanted.open_offer:
        last, terms = _closes_on(wanted, first), _STILL_OPEN_TERMS
        yield _Planned("长期消费券", _CITY, first, last, open_part, terms, still_open=True)


def _closes_on(wanted: Wanted, first: date) -> date:
    more = LONGEST_DAYS + _STILL_OPEN_DAYS if wanted.open_offer else 0
    return first + timedelta(days=wanted.days - 1 + more)


def _wanted(programme: str, planned: _Planned, assumed: Assumed) -> WantedCampaign:
    offers = tuple(
        _offer(planned, terms, claims, assumed)
        for terms, claims in zip(planned.terms, planned.claims, strict=True)
    )
    return WantedCampaign(
        programme=programme,
        name=planned.name,
        area=planned.area,
        opens_on=planned.opens_on,
        closes_on=planned.closes_on,
        offers=offers,
        lines=_lines(planned.area, assumed, Money.total(o.face_value * o.quota for o in offers)),
    )


def _lines(area: str, assumed: Assumed, cost: Money) -> tuple[WantedLine, ...]:
    """City-wide the province pays with the city, and each county a part at its own shops, as far
    as its money goes; a county's campaign is paid by city and county in halves.
    """
    city = assumed.city.slug
    if area != _CITY:
        first, second = cost.split([1, 1])
        return (
            WantedLine(city, first, 5_000, fallback=True),
            WantedLine(assumed.county(area).slug, second, 5_000),
        )
    first, second = cost.split([4_000, 6_000])
    share = cost.share(Bps(_COUNTY_AT_ITS_SHOPS_BPS), Rounding.DOWN)
    parts = share.split([one.share_bps for one in assumed.areas])
    local = zip(assumed.areas, parts, strict=True)
    return (
        WantedLine("province", first, 4_000),
        WantedLine(city, second, 6_000, fallback=True),
        *(
            WantedLine(
                assumed.county(one.code).slug,
                part.share(Bps(5_000), Rounding.UP),
                _COUNTY_AT_ITS_SHOPS_BPS,
                shop_area=one.code,
            )
            for one, part in local
        ),
    )


def _offer(
    planned: _Planned, terms: _Terms, claims: tuple[int, ...], assumed: Assumed
) -> OfferPlan:
    openings = planned.openings
    ends = [*openings[1:], end_of(planned.closes_on)]
    # A few slots are never claimed; of the offer that stays open, half.
    quotas = [n * 2 + 1 if planned.still_open else n + n // 30 + 1 for n in claims]
    threshold = Money.of_yuan(terms.threshold)
    return OfferPlan(
        title=terms.title,
        kind=OfferKind.THRESHOLD,
        face_value=Money.of_yuan(terms.face),
        threshold=threshold,
        quota=sum(quotas),
        per_resident_limit=1,
        valid_days=terms.valid_days,
        areas=(planned.area,),
        trades=tuple(
            one.code for one in assumed.trades if one.least_threshold_fen <= threshold.fen
        ),
        releases=tuple(
            ReleasePlan(opens, quota, closes)
            for opens, quota, closes in zip(openings, quotas, ends, strict=True)
        ),
        lapse_returns=terms.lapse_returns,
    )


def _opened(core: Core, offer: Offer) -> Offer:
    """The offer at its first epoch: as if its gate had been filled, which nobody will ask."""
    key = f"prepare_gate:{offer.id}"
    with core.transaction() as session:
        campaigns.raise_epoch(session, offer.id)
        job = outbox.take(session, key=key, lease_seconds=core.settings.queue.lease_seconds)
        if job is not None:
            outbox.finish(session, job)
        return campaigns.offer(session, offer=offer.id)
