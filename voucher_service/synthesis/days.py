"""What happens in a synthetic book, in the order of time: claims, redemptions, lapses."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from operator import attrgetter
from random import Random

from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.ids import ResidentId, VoucherId, voucher_id
from voucher_service.redemption.judging import accepts
from voucher_service.replay.model import Assumed, Vouchers
from voucher_service.vouchers.model import Status

from .model import Claim, Claimed, Happening, Lapsed, Redeemed
from .offers import Shelf
from .openings import Moment, moments
from .people import Shop

_MOST_IN_A_SWEEP = 5_000  # as the product commits them
_COMES_BACK = 0.5  # of the claims after the rush, while there is somebody whose voucher lapsed
_SWEPT_AFTER = timedelta(seconds=20)
_NEAR_THE_THRESHOLD = 3  # an order is the threshold and up to 1.5 times it more, mostly little


class _Desk:
    """One offer: which slots went to whom."""

    def __init__(self, shelf: Shelf, residents: int, scope: _Scope, rng: Random) -> None:
        self.offer = shelf.offer
        self.closes_at = max(one.closes_at for one in shelf.offer.releases)
        self.scope = scope
        self.fresh = iter(array("I", rng.sample(range(residents), sum(shelf.claims))))
        self.taken = [0] * len(shelf.offer.releases)
        self.free: deque[tuple[int, int]] = deque()
        self.back: deque[tuple[int, int]] = deque()

    def seat(self, release: int, *, rush: bool, again: bool) -> tuple[int, int, int, int]:
        """Position of the release, slot, resident and generation of the next claim; after the rush
        a slot that lapsed goes first, and with `again` somebody whose voucher lapsed.
        """
        if self.free and not rush:
            position, slot = self.free.popleft()
        else:
            self.taken[release] += 1
            position, slot = release, self.taken[release]
        resident, generation = self.back.popleft() if again and self.back else (next(self.fresh), 0)
        return position, slot, resident, generation + 1


class _Scope:
    """The shops where an offer is taken, by their custom."""

    def __init__(self, shops: Sequence[Shop], places: Sequence[int], assumed: Assumed) -> None:
        of_trade = {one.code: one.weight for one in assumed.trades}
        custom: dict[str, float] = defaultdict(float)
        for place in places:
            custom[shops[place].trade] += shops[place].weight
        self.places = places
        self.sums = list(
            accumulate(
                of_trade[shops[place].trade] * shops[place].weight / custom[shops[place].trade]
                for place in places
            )
        )

    def draw(self, rng: Random) -> int:
        """A shop's place in the list of shops."""
        found = bisect(self.sums, rng.random() * self.sums[-1])
        return self.places[min(found, len(self.places) - 1)]


class Days:
    """The course of a book. Holds what is still to come of vouchers that were claimed."""

    def __init__(
        self,
        *,
        assumed: Assumed,
        pattern: Vouchers,
        residents: Sequence[ResidentId],
        shops: Sequence[Shop],
        shelves: Sequence[Shelf],
        redeemed: float,
        days: int,
        ends_at: datetime,
        rng: Random,
    ) -> None:
        self._residents, self._shops, self._shelves = residents, shops, shelves
        self._redeemed, self._days, self._ends_at = redeemed, days, ends_at
        self._rng = rng
        times = pattern.redemption_times
        self._least = timedelta(minutes=times.least_minutes)
        self._parts = list(accumulate(times.parts))
        self._hours = {one.code: list(accumulate(one.hours)) for one in assumed.trades}
        self._endings = [grain for grain, weight in pattern.orders.endings for _ in range(weight)]
        self._coming: list[tuple[datetime, int, VoucherId | None, int, date]] = []
        self._lapsing: dict[tuple[datetime, int], list[Claim]] = defaultdict(list)
        scopes: dict[tuple[tuple[str, ...], tuple[str, ...]], _Scope] = {}
        self._desks: list[_Desk] = []
        for shelf in shelves:
            reach = (shelf.offer.areas, shelf.offer.trades)
            if reach not in scopes:
                places = [
                    place
                    for place, shop in enumerate(shops)
                    if accepts(shelf.offer, shop.area, shop.trade)
                ]
                scopes[reach] = _Scope(shops, places, assumed)
            self._desks.append(_Desk(shelf, len(residents), scopes[reach], rng))

    def happenings(self) -> Iterator[Happening]:
        """Everything, by rising instant."""
        batches = heapq.merge(
            *(
                moments(place, shelf, days=self._days, rng=self._rng)
                for place, shelf in enumerate(self._shelves)
            ),
            key=attrgetter("at"),
        )
        for batch in batches:
            yield from self._due(batch.at)
            claims = [self._claim(batch) for _ in range(batch.claims)]
            yield Claimed(batch.at, batch.offer, claims)
        yield from self._due(self._ends_at)

    def _due(self, until: datetime) -> Iterator[Happening]:
        while self._coming and self._coming[0][0] <= until:
            at, place, voucher, shop, claimed_on = heapq.heappop(self._coming)
            if voucher is not None:
                yield Redeemed(at, place, voucher, claimed_on, shop, self._order(place))
                continue
            lapsed, desk = self._lapsing.pop((at, place)), self._desks[place]
            for first in range(0, len(lapsed), _MOST_IN_A_SWEEP):
                part = lapsed[first : first + _MOST_IN_A_SWEEP]
                yield Lapsed(at, place, [one.id for one in part])
            if not lapsed[0].holds_slot:
                desk.free.extend((one.position, one.slot) for one in lapsed)
                desk.back.extend((one.resident, one.generation) for one in lapsed)

    def _claim(self, batch: Moment) -> Claim:
        at, place, rng = batch.at, batch.offer, self._rng
        desk = self._desks[place]
        position, slot, resident, generation = desk.seat(
            batch.release, rush=batch.rush, again=rng.random() < _COMES_BACK
        )
        id = voucher_id(desk.offer.id, self._residents[resident], 1, generation)
        ends = desk.offer.valid_until(at)
        status, holds = Status.CLAIMED, True
        if rng.random() < self._redeemed:
            shop = desk.scope.draw(rng)
            spent_at = self._spent_at(at, desk.offer.valid_days, self._shops[shop].trade)
            if spent_at < self._ends_at:
                status = Status.REDEEMED
                heapq.heappush(self._coming, (spent_at, place, id, shop, day_of(at)))
        elif (swept_at := ends + _SWEPT_AFTER + timedelta(seconds=place)) < self._ends_at:
            status = Status.EXPIRED
            holds = not (desk.offer.lapse_returns and swept_at < desk.closes_at)
        claim = Claim(id, resident, position, slot, generation, status, holds)
        if status is Status.EXPIRED:
            lapsing = self._lapsing[swept_at, place]
            if not lapsing:
                heapq.heappush(self._coming, (swept_at, place, None, 0, day_of(at)))
            lapsing.append(claim)
        return claim

    def _spent_at(self, claimed_at: datetime, valid_days: int, trade: str) -> datetime:
        """On one of the days that begin with the claim's, while the shop is open."""
        rng = self._rng
        part = bisect(self._parts, rng.random() * self._parts[-1])
        days = int((part + rng.random()) * valid_days / len(self._parts))
        hour = bisect(self._hours[trade], rng.random() * self._hours[trade][-1])
        opened = start_of(day_of(claimed_at)) + timedelta(days=days, hours=hour)
        at = opened + timedelta(seconds=rng.random() * 3600)
        if at < claimed_at + self._least:
            at += timedelta(days=1)  # that day is over for this shop; two days are valid
        return at

    def _order(self, place: int) -> int:
        least = self._desks[place].offer.threshold.fen
        above = int(least * 3 // 2 * self._rng.random() ** _NEAR_THE_THRESHOLD)
        grain = self._rng.choice(self._endings)
        return least + above // grain * grain
