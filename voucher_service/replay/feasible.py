"""What a replay must reach at a scale, and whether its file can: decided before the first write.

Scaled targets are scale × published. The issued target is rounded to the faces' common divisor
(half up), then split over campaigns and areas by largest remainder; the leveraged target is rounded
to the fen (half up). At scale 1 both are the published figures themselves.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from voucher_service.kernel.money import Money, largest_remainder

from . import subsidies
from .model import WHOLE_BPS, Area, Assumed, Campaign, Denomination, OrderRange, Programme, Vouchers
from .scaling import Figure, Infeasible, half_up
from .subsidies import FieldTargets


@dataclass(frozen=True, slots=True)
class Lot:
    """The vouchers of one denomination in one campaign and area, and what their orders add up to.

    Each order lies between `least_fen` and `most_fen`, both allowed.
    """

    face_fen: int
    threshold_fen: int
    least_fen: int
    most_fen: int
    quota: int
    redeemed: int = 0
    leveraged_fen: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One campaign in one area: its exact share of the issued value, the target and its lots."""

    campaign: Campaign
    area: Area
    exact_fen: Fraction
    issued_fen: int
    lots: tuple[Lot, ...]

    @property
    def rounding_fen(self) -> Fraction:
        """Target minus exact."""
        return self.issued_fen - self.exact_fen

    @property
    def leveraged_fen(self) -> int:
        """What the orders of this campaign and area add up to."""
        return sum(lot.leveraged_fen for lot in self.lots)


@dataclass(frozen=True, slots=True)
class Targets:
    """Everything that is fixed before the first write, whatever the seed.

    `residents` gives each area's residents as a range of their indexes.
    """

    scale: Fraction
    issued: Figure
    leveraged: Figure
    cells: tuple[Cell, ...]
    residents: Mapping[str, range]
    fields: tuple[FieldTargets, ...] = ()

    @property
    def lots(self) -> Iterator[Lot]:
        """Every lot of every cell."""
        return (lot for cell in self.cells for lot in cell.lots)

    @property
    def vouchers(self) -> int:
        """How many vouchers are issued."""
        return sum(lot.quota for lot in self.lots)

    @property
    def redemptions(self) -> int:
        """How many of them are redeemed."""
        return sum(lot.redeemed for lot in self.lots)

    @property
    def redeemed_fen(self) -> int:
        """The face value redeemed."""
        return sum(lot.redeemed * lot.face_fen for lot in self.lots)

    @property
    def redeemed_thresholds_fen(self) -> int:
        """The thresholds of what is redeemed: over issued or redeemed, the mechanical floor."""
        return sum(lot.redeemed * lot.threshold_fen for lot in self.lots)


def check(programme: Programme, scale: Fraction) -> Targets:
    """The targets at a scale above 0, or Infeasible with a sentence that says what would fit."""
    if scale <= 0:
        raise Infeasible(f"The scale must be above 0, not {scale}.")
    residents = _residents(programme.assumed.areas, scale)
    nothing = Figure(0, Fraction(0), 0)
    targets = Targets(scale, nothing, nothing, (), residents)
    if programme.vouchers is not None:
        targets = _with_vouchers(targets, programme.vouchers, programme.assumed)
    areas = programme.assumed.areas
    return replace(targets, fields=subsidies.check(programme.trade_in, areas, residents, scale))


def _with_vouchers(targets: Targets, vouchers: Vouchers, assumed: Assumed) -> Targets:
    scale, residents = targets.scale, targets.residents
    published, divisor_fen = vouchers.published, vouchers.divisor_fen
    issued = _figure(published.issued_fen, scale, divisor_fen)
    leveraged = _figure(published.leveraged_fen, scale, 1)
    if issued.target_fen == 0:
        raise Infeasible(f"At scale {scale} not one voucher of {_yuan(divisor_fen)} is issued.")
    cells = _cells(vouchers, assumed, issued)
    _check_limit(cells, residents, vouchers.claims.per_resident_limit)
    _check_rate(vouchers, cells, leveraged.target_fen)
    cells = _with_redeemed(cells, vouchers.redemption_bps)
    cells = _with_leveraged(cells, leveraged.target_fen)
    return replace(targets, issued=issued, leveraged=leveraged, cells=cells)


def rounding_lines(targets: Targets) -> Iterator[str]:
    """The rounding, a line for the whole and one for each campaign and area, in yuan."""
    whole = (("issued", targets.issued), ("leveraged", targets.leveraged))
    for name, figure in whole if targets.cells else ():
        yield _rounding(name, figure.exact_fen, figure.target_fen)
    for cell in targets.cells:
        yield _rounding(f"{cell.campaign.slug} {cell.area.code}", cell.exact_fen, cell.issued_fen)
    for field in targets.fields:
        yield from subsidies.rounding_lines(field)


def _rounding(name: str, exact_fen: Fraction, target_fen: int) -> str:
    difference_fen = target_fen - exact_fen
    sign = "-" if difference_fen < 0 else "+"
    return f"{name}: {_fine(exact_fen)} -> {_yuan(target_fen)} ({sign}{_fine(abs(difference_fen))})"


def _fine(fen: Fraction) -> str:
    """Yuan to a hundredth of a fen."""
    yuan, rest = divmod(half_up(fen * 100), 10_000)
    return f"{yuan}.{rest:04d}"


def _figure(published_fen: int, scale: Fraction, divisor_fen: int) -> Figure:
    exact_fen = published_fen * scale
    return Figure(published_fen, exact_fen, half_up(exact_fen / divisor_fen) * divisor_fen)


def _yuan(fen: int) -> str:
    return Money(fen).yuan_text()


def _residents(areas: Sequence[Area], scale: Fraction) -> dict[str, range]:
    ranges: dict[str, range] = {}
    first = 0
    for area in areas:
        count = max(1, half_up(area.residents * scale))
        ranges[area.code] = range(first, first + count)
        first += count
    return ranges


def _cells(vouchers: Vouchers, assumed: Assumed, issued: Figure) -> tuple[Cell, ...]:
    """The issued target over campaigns and areas, in whole multiples of the divisor."""
    places = [(each, area) for each in vouchers.campaigns for area in assumed.areas_of(each)]
    weights = [
        campaign.share_bps * (WHOLE_BPS if campaign.area else area.share_bps)
        for campaign, area in places
    ]
    divisor_fen = vouchers.divisor_fen
    parts = largest_remainder(issued.target_fen // divisor_fen, weights)
    return tuple(
        Cell(
            campaign=campaign,
            area=area,
            exact_fen=issued.exact_fen * weight / sum(weights),
            issued_fen=part * divisor_fen,
            lots=_lots(vouchers, campaign, part * divisor_fen),
        )
        for (campaign, area), weight, part in zip(places, weights, parts, strict=True)
    )


def _lots(vouchers: Vouchers, campaign: Campaign, issued_fen: int) -> tuple[Lot, ...]:
    """Vouchers of exactly that value: what a face leaves over goes to the next smaller one.

    The smallest face is the common divisor, so that nothing is left at the end.
    """
    lots: list[Lot] = []
    share_bps = given_fen = 0
    mix = vouchers.denominations[campaign.denominations]
    for each in sorted(mix, key=lambda denomination: -denomination.face_fen):
        share_bps += each.share_bps
        quota = (issued_fen * share_bps // WHOLE_BPS - given_fen) // each.face_fen
        given_fen += quota * each.face_fen
        if quota:
            lots.append(_lot(vouchers.orders, each, quota))
    return tuple(reversed(lots))


def _lot(orders: OrderRange, denomination: Denomination, quota: int) -> Lot:
    threshold_fen = denomination.threshold_fen
    return Lot(
        face_fen=denomination.face_fen,
        threshold_fen=threshold_fen,
        least_fen=-(-threshold_fen * orders.least_bps // WHOLE_BPS),
        most_fen=threshold_fen * orders.most_bps // WHOLE_BPS,
        quota=quota,
    )


def _check_limit(cells: Sequence[Cell], residents: Mapping[str, range], limit: int) -> None:
    for cell in cells:
        count = len(residents[cell.area.code])
        for lot in cell.lots:
            if lot.quota > count * limit:
                raise Infeasible(
                    f"{cell.campaign.slug} in {cell.area.code} issues {lot.quota:,} vouchers of"
                    f" {_yuan(lot.face_fen)}; {count:,} residents who may claim {limit} each can't"
                    f" take them: at least {-(-lot.quota // limit):,} residents would fit."
                )


def _check_rate(vouchers: Vouchers, cells: Sequence[Cell], target_fen: int) -> None:
    """The totals leave a range of redemption rates; the file's must lie in it."""
    groups = _groups(cells)

    def least(rate_bps: int) -> int:
        return sum(lots[0].least_fen * _redeemed(lots, rate_bps) for lots in groups)

    def most(rate_bps: int) -> int:
        return sum(lots[0].most_fen * _redeemed(lots, rate_bps) for lots in groups)

    rates = range(WHOLE_BPS + 1)
    lowest = bisect_left(rates, target_fen, key=most)
    highest = bisect_right(rates, target_fen, key=least) - 1
    rate_bps = vouchers.redemption_bps
    if lowest <= rate_bps <= highest:
        return
    between = f"between {_yuan(least(rate_bps))} and {_yuan(most(rate_bps))}"
    fits = (
        f"a redemption rate from {_percent(lowest)} to {_percent(highest)} would fit"
        if lowest <= highest
        else "no redemption rate would fit; change order_range or denominations"
    )
    raise Infeasible(
        f"With a redemption rate of {_percent(rate_bps)} the orders add up to {between} yuan, never"
        f" to {_yuan(target_fen)}: {fits}."
    )


def _percent(bps: int) -> str:
    return f"{bps // 100}.{bps % 100:02d} %"


def _groups(cells: Sequence[Cell]) -> list[list[Lot]]:
    """The lots of each face and threshold: within one, the rate is met as a whole."""
    groups: dict[tuple[int, int], list[Lot]] = {}
    for cell in cells:
        for lot in cell.lots:
            groups.setdefault((lot.face_fen, lot.threshold_fen), []).append(lot)
    return list(groups.values())


def _redeemed(lots: Sequence[Lot], rate_bps: int) -> int:
    return half_up(Fraction(sum(lot.quota for lot in lots) * rate_bps, WHOLE_BPS))


def _with_redeemed(cells: Sequence[Cell], rate_bps: int) -> tuple[Cell, ...]:
    """The count redeemed of each lot, by largest remainder within its face and threshold."""
    counts: dict[tuple[int, int], Iterator[int]] = {}
    for lots in _groups(cells):
        parts = largest_remainder(_redeemed(lots, rate_bps), [lot.quota for lot in lots])
        counts[lots[0].face_fen, lots[0].threshold_fen] = iter(parts)
    return _with_lots(
        cells,
        lambda lot: replace(lot, redeemed=next(counts[lot.face_fen, lot.threshold_fen])),
    )


def _with_leveraged(cells: Sequence[Cell], target_fen: int) -> tuple[Cell, ...]:
    """What each lot's orders add up to: all go the same part of the way from least to most."""
    lots = [lot for cell in cells for lot in cell.lots]
    room = [lot.redeemed * (lot.most_fen - lot.least_fen) for lot in lots]
    above_fen = target_fen - sum(lot.redeemed * lot.least_fen for lot in lots)
    parts = iter(largest_remainder(above_fen, room) if any(room) else [0] * len(room))
    return _with_lots(
        cells,
        lambda lot: replace(lot, leveraged_fen=lot.redeemed * lot.least_fen + next(parts)),
    )


def _with_lots(cells: Sequence[Cell], change: Callable[[Lot], Lot]) -> tuple[Cell, ...]:
    return tuple(replace(cell, lots=tuple(map(change, cell.lots))) for cell in cells)
