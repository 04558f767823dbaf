"""Every claim and every redemption of a replay, before any of them happens.

The same programme, targets and seed give the same plan; another seed gives other residents, times,
shops and orders with the same totals. Claims and redemptions are made anew each time they are asked
for, offer by offer, so that a plan stays small.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from random import Random

from voucher_service.infra.data_files import Text
from voucher_service.kernel.clock import SHANGHAI, end_of
from voucher_service.kernel.money import Money, largest_remainder

from . import cases, orders, people
from .cases import Case
from .feasible import Cell, Lot, Targets
from .model import WHOLE_BPS, Campaign, Claims, Funder, Programme, Trade, Vouchers
from .subsidies import FieldTargets

CLAIMS_PER_BATCH = 500


@dataclass(frozen=True, slots=True)
class PlannedRelease:
    """A slice of an offer's quota and the window it can be claimed in: opens ≤ claim < closes."""

    opens_at: datetime
    closes_at: datetime
    quota: int


@dataclass(frozen=True, slots=True)
class PlannedOffer:
    """One denomination in one campaign and area. Its orders add up to `leveraged_fen`."""

    slug: str
    title: Text
    area: str
    lot: Lot
    trades: tuple[str, ...]
    valid_days: int
    per_resident_limit: int
    releases: tuple[PlannedRelease, ...]


@dataclass(frozen=True, slots=True)
class PlannedBudget:
    """What one funder puts into one campaign of one area."""

    funder: Funder
    share_bps: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class PlannedCampaign:
    """One campaign in one area, with the budgets that pay for it and its offers."""

    slug: str
    name: Text
    area: str
    opens_on: date
    closes_on: date
    cell: Cell
    budgets: tuple[PlannedBudget, ...]
    offers: tuple[PlannedOffer, ...]


@dataclass(frozen=True, slots=True)
class ClaimBatch:
    """Claims of one offer at one instant: the place of the release and the residents' indexes.

    Claims of an offer are numbered from 0 in the order of its batches; `first` is the first number.
    """

    at: datetime
    release: int
    first: int
    residents: Sequence[int]


@dataclass(frozen=True, slots=True)
class PlannedRedemption:
    """One claimed voucher of an offer, by its number, spent at a shop on an order."""

    claim: int
    at: datetime
    shop: int
    order_amount_fen: int


@dataclass(frozen=True)
class Plan:
    """A whole replay. Indexes of residents run through `targets.residents`."""

    programme: Programme
    targets: Targets
    seed: int
    campaigns: tuple[PlannedCampaign, ...]
    merchants: tuple[people.SyntheticMerchant, ...]
    shops: tuple[people.SyntheticShop, ...]

    @property
    def offers(self) -> Iterator[PlannedOffer]:
        """Every offer, campaign by campaign."""
        return (offer for campaign in self.campaigns for offer in campaign.offers)

    def residents(self) -> Iterator[people.SyntheticResident]:
        """Every resident, by rising index."""
        return people.residents(self.programme, self.targets.residents, self.seed)

    def cases(self, field: FieldTargets) -> list[Case]:
        """Every purchase of a field of trade-in, in the order in which they begin."""
        return cases.plan(self.programme, field, self.targets.residents, self.shops, self.seed)

    def claims(self, offer: PlannedOffer) -> Iterator[ClaimBatch]:
        """The claims of an offer by rising instant; each resident within the offer's limit.

        With a limit above one the same resident may stand in a batch more than once.
        """
        rng = Random(f"{self.seed}:{offer.slug}:claims")
        area = self.targets.residents[offer.area]
        rights = rng.sample(range(len(area) * offer.per_resident_limit), offer.lot.quota)
        claimants = array("L", (area[right % len(area)] for right in rights))
        first = 0
        for place, release in enumerate(offer.releases):
            for at, count in self._rush(release, rng):
                yield ClaimBatch(at, place, first, claimants[first : first + count])
                first += count

    def redemptions(self, offer: PlannedOffer) -> Iterator[PlannedRedemption]:
        """The redemptions of an offer by rising instant, each later than its claim.

        Each falls on one of the `valid_days` days that begin with the day of the claim, while the
        shop is open.
        """
        rng = Random(f"{self.seed}:{offer.slug}:redemptions")
        lot = offer.lot
        amounts = orders.draw(
            rng,
            lot.redeemed,
            least_fen=lot.least_fen,
            most_fen=lot.most_fen,
            total_fen=lot.leveraged_fen,
            endings=self._vouchers.orders.endings,
        )
        chosen = sorted(rng.sample(range(lot.quota), lot.redeemed))
        shops = self._shops_of(offer, rng, lot.redeemed)
        claimed = [batch.at for batch in self.claims(offer) for _ in batch.residents]
        planned = [
            PlannedRedemption(claim, self._spent_at(offer, claimed[claim], shop, rng), shop, amount)
            for claim, shop, amount in zip(chosen, shops, amounts, strict=True)
        ]
        planned.sort(key=lambda redemption: (redemption.at, redemption.claim))
        yield from planned

    def _rush(self, release: PlannedRelease, rng: Random) -> Iterator[tuple[datetime, int]]:
        """When a release's quota goes: instants with counts, in batches of bounded size."""
        delays = self._vouchers.claims.delays
        counts = largest_remainder(release.quota, [weight for _, weight in delays])
        begins = 0
        for (until_minutes, _), count in zip(delays, counts, strict=True):
            ends = until_minutes * 60
            batches = -(-count // CLAIMS_PER_BATCH)
            for place, part in enumerate(largest_remainder(count, [1] * batches) if count else ()):
                second = begins + (ends - begins) * (place + rng.random()) / batches
                yield release.opens_at + timedelta(seconds=int(second)), part
            begins = ends

    def _shops_of(self, offer: PlannedOffer, rng: Random, count: int) -> list[int]:
        """Shops for that many redemptions: by trade first, within a trade by the shop's custom."""
        shops: list[int] = []
        weights: list[Fraction] = []
        for code in offer.trades:
            own = self._shops_by_place[offer.area, code]
            custom = sum(shop.weight for shop in own)
            shops += [shop.index for shop in own]
            weights += [Fraction(self._trades[code].weight * shop.weight, custom) for shop in own]
        return rng.choices(shops, weights, k=count)

    def _spent_at(
        self, offer: PlannedOffer, claimed_at: datetime, shop: int, rng: Random
    ) -> datetime:
        times = self._vouchers.redemption_times
        part = rng.choices(range(len(times.parts)), cum_weights=self._parts)[0]
        days = int((part + rng.random()) * offer.valid_days / len(times.parts))
        hour = rng.choices(range(24), cum_weights=self._hours[self.shops[shop].trade])[0]
        midnight = datetime.combine(claimed_at.date(), time.min, claimed_at.tzinfo)
        at = midnight + timedelta(days=days, hours=hour, seconds=rng.randrange(3600))
        if at < claimed_at + timedelta(minutes=times.least_minutes):
            at += timedelta(
                days=1
            )  # the day of the claim is over for this shop; two days are valid
        return at

    @property
    def _vouchers(self) -> Vouchers:
        vouchers = self.programme.vouchers
        assert vouchers is not None, "only a programme with vouchers has claims to plan"
        return vouchers

    @cached_property
    def _parts(self) -> list[int]:
        return list(accumulate(self._vouchers.redemption_times.parts))

    @cached_property
    def _trades(self) -> dict[str, Trade]:
        return {trade.code: trade for trade in self.programme.assumed.trades}

    @cached_property
    def _hours(self) -> dict[str, list[int]]:
        return {code: list(accumulate(trade.hours)) for code, trade in self._trades.items()}

    @cached_property
    def _shops_by_place(self) -> dict[tuple[str, str], list[people.SyntheticShop]]:
        places: dict[tuple[str, str], list[people.SyntheticShop]] = {}
        for shop in self.shops:
            places.setdefault((shop.area, shop.trade), []).append(shop)
        return places


def make(programme: Programme, targets: Targets, seed: int) -> Plan:
    """The plan of a replay. `targets` come from `feasible.check` of the same programme."""
    merchants, shops = people.merchants(programme, targets.scale, seed)
    vouchers = programme.vouchers
    campaigns = tuple(
        _campaign(programme, vouchers.claims, cell)
        for cell in targets.cells
        if cell.lots and vouchers is not None
    )
    return Plan(programme, targets, seed, campaigns, merchants, shops)


def _campaign(programme: Programme, claims: Claims, cell: Cell) -> PlannedCampaign:
    campaign, area = cell.campaign, cell.area
    name = campaign.name
    if campaign.area is None:
        name = Text(f"{name.zh}（{area.name.zh}）", f"{name.en} ({area.name.en})")
    return PlannedCampaign(
        slug=f"{campaign.slug}-{area.code}",
        name=name,
        area=area.code,
        opens_on=campaign.opens_on,
        closes_on=campaign.closes_on,
        cell=cell,
        budgets=_budgets(programme, cell),
        offers=tuple(_offer(programme, claims, cell, lot) for lot in cell.lots),
    )


def _budgets(programme: Programme, cell: Cell) -> tuple[PlannedBudget, ...]:
    """The city's part and the county's: together exactly what is issued."""
    city_bps = cell.campaign.city_share_bps
    shares = (city_bps, WHOLE_BPS - city_bps)
    funders = (programme.assumed.city, programme.assumed.county(cell.area.code))
    amounts = largest_remainder(cell.issued_fen, shares)
    budgets = map(PlannedBudget, funders, shares, amounts)
    return tuple(budget for budget in budgets if budget.share_bps)


def _offer(programme: Programme, claims: Claims, cell: Cell, lot: Lot) -> PlannedOffer:
    campaign, area = cell.campaign, cell.area
    face, threshold = _short(lot.face_fen), _short(lot.threshold_fen)
    trades = {trade.code: trade for trade in programme.assumed.trades}
    return PlannedOffer(
        slug=f"{campaign.slug}-{area.code}-{face}",
        title=Text(f"满{threshold}元减{face}元", f"{face} yuan off {threshold}"),
        area=area.code,
        lot=lot,
        trades=tuple(
            code
            for code in campaign.trades
            if trades[code].least_threshold_fen <= lot.threshold_fen
        ),
        valid_days=campaign.valid_days,
        per_resident_limit=claims.per_resident_limit,
        releases=_releases(claims, campaign, lot.quota),
    )


def _short(fen: int) -> str:
    """Yuan as people say it: "10", "12.50"."""
    return Money(fen).yuan_text().removesuffix(".00")


def _releases(claims: Claims, campaign: Campaign, quota: int) -> tuple[PlannedRelease, ...]:
    """Even slices, one an opening; each stays open until the next opening or the campaign's end."""
    opens_at = claims.opens_at
    length = (campaign.closes_on - campaign.opens_on).days + 1
    days = [campaign.opens_on + timedelta(days=d) for d in range(0, length, campaign.every_days)]
    openings = [datetime.combine(day, opens_at, SHANGHAI) for day in days]
    ends = [*openings[1:], end_of(campaign.closes_on).astimezone(SHANGHAI)]
    quotas = largest_remainder(quota, [1] * len(days))
    slices = map(PlannedRelease, openings, ends, quotas)
    return tuple(release for release in slices if release.quota)
