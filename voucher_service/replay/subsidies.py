"""What the fields of trade-in must reach at a scale, and whether their goods can: before any write.

Units are scale × the file's, half up. A turnover is rounded to the fen; fixed subsidies to the
nearest total that so many of them can have. At scale 1 both are the file's own figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from voucher_service.kernel.money import ZERO, Money, largest_remainder
from voucher_service.tradein.policy import Case, Energy, NewCar, OldCar, Tiers
from voucher_service.tradein.quote import under

from .fields import Field, Goods
from .model import Area
from .reachable import Reachable
from .scaling import Figure, Infeasible, half_up

# The old car of whoever gives one up: old enough, and owned long enough, for every policy so far.
OLD_CAR = OldCar(Energy.PETROL, date(2010, 5, 20), date(2014, 3, 1))


@dataclass(frozen=True, slots=True)
class Band:
    """Prices of one of a field's goods that get the same fixed subsidy, both ends allowed."""

    goods: int
    least_fen: int
    most_fen: int
    subsidy_fen: int


@dataclass(frozen=True, slots=True)
class FieldTargets:
    """What one field must reach: units in all, by area and by goods, and its sum.

    `sums_fen` are what the units of each of the goods cost together, where the turnover is met.
    """

    field: Field
    units: int
    exact_units: Fraction
    by_area: Mapping[str, int]
    by_goods: tuple[int, ...]
    turnover: Figure | None = None
    sums_fen: tuple[int, ...] = ()
    subsidy: Figure | None = None


def check(
    fields: tuple[Field, ...],
    areas: tuple[Area, ...],
    residents: Mapping[str, range],
    scale: Fraction,
) -> tuple[FieldTargets, ...]:
    """The targets of every field, or Infeasible with a sentence that says what doesn't fit."""
    return tuple(_targets(field, areas, residents, scale) for field in fields)


def bands(field: Field) -> list[Band]:
    """The field's prices, cut where its policy pays another fixed sum."""
    starts = {
        start.fen
        for rule in field.policy.rules
        if isinstance(rule.amount, Tiers)
        for start, _ in rule.amount.starts
    }
    found = []
    for place, goods in enumerate(field.goods):
        cuts = sorted(one for one in starts if goods.least_fen < one <= goods.most_fen)
        edges = [goods.least_fen, *cuts, goods.most_fen + 1]
        for least_fen, end_fen in pairwise(edges):
            subsidy = under(field.policy, case(field, goods, least_fen, field.opens_on)).subsidy
            if subsidy > ZERO:
                found.append(Band(place, least_fen, end_fen - 1, subsidy.fen))
    return found


def weights(field: Field, found: list[Band]) -> dict[int, int]:
    """How usual each subsidy is, by the field's shares and the width of its prices."""
    usual: dict[int, int] = {}
    for band in found:
        goods = field.goods[band.goods]
        width = band.most_fen - band.least_fen + 1
        whole = goods.most_fen - goods.least_fen + 1
        usual[band.subsidy_fen] = usual.get(band.subsidy_fen, 0) + max(
            1, goods.share_bps * width // whole
        )
    return dict(sorted(usual.items()))


def case(field: Field, goods: Goods, price_fen: int, on: date, area: str = "") -> Case:
    """What the subsidy of one of the goods is computed from."""
    where = area or (field.policy.areas[0] if field.policy.areas else "")
    return Case(
        field.policy.scheme,
        goods.category,
        Money(price_fen),
        on,
        area=where,
        grade=goods.grade,
        new=NewCar(goods.energy, goods.engine_ml) if goods.energy else None,
        old=OLD_CAR if field.policy.old else None,
    )


def rounding_lines(targets: FieldTargets) -> Iterator[str]:
    """The rounding of a field's units and of its sum, in units and yuan."""
    slug = targets.field.slug
    yield f"{slug} units: {float(targets.exact_units):.4f} -> {targets.units:,}"
    for name, figure in (("turnover", targets.turnover), ("subsidy", targets.subsidy)):
        if figure is not None:
            exact = Money(half_up(figure.exact_fen)).yuan_text()
            yield f"{slug} {name}: {exact} -> {Money(figure.target_fen).yuan_text()}"


def _targets(
    field: Field, areas: tuple[Area, ...], residents: Mapping[str, range], scale: Fraction
) -> FieldTargets:
    exact = field.units * scale
    units = half_up(exact)
    by_area = dict(
        zip(
            (area.code for area in areas),
            largest_remainder(units, [area.share_bps for area in areas]),
            strict=True,
        )
    )
    for code, count in by_area.items():
        if count > len(residents[code]):
            raise Infeasible(
                f"{field.slug} wants {count:,} residents of {code}, one each; there are"
                f" {len(residents[code]):,}."
            )
    by_goods = tuple(largest_remainder(units, [one.share_bps for one in field.goods]))
    targets = FieldTargets(field, units, exact, by_area, by_goods)
    if field.turnover_fen is not None:
        return _with_turnover(targets, field.turnover_fen, scale)
    assert field.subsidy_fen is not None, "one of the two is there"
    return _with_subsidy(targets, field.subsidy_fen, scale)


def _with_turnover(targets: FieldTargets, whole_fen: int, scale: Fraction) -> FieldTargets:
    goods, counts = targets.field.goods, targets.by_goods
    least_fen = [one.least_fen * count for one, count in zip(goods, counts, strict=True)]
    most_fen = [one.most_fen * count for one, count in zip(goods, counts, strict=True)]
    exact_fen = whole_fen * scale
    target_fen = _within(half_up(exact_fen), sum(least_fen), sum(most_fen), targets, scale)
    room = [most - least for least, most in zip(least_fen, most_fen, strict=True)]
    above = target_fen - sum(least_fen)
    parts = largest_remainder(above, room) if any(room) else [0] * len(room)
    return replace(
        targets,
        turnover=Figure(whole_fen, exact_fen, target_fen),
        sums_fen=tuple(least + part for least, part in zip(least_fen, parts, strict=True)),
    )


def _with_subsidy(targets: FieldTargets, whole_fen: int, scale: Fraction) -> FieldTargets:
    found = bands(targets.field)
    if not found:
        raise Infeasible(f"{targets.field.slug}: the policy pays nothing for any of its goods.")
    exact_fen = whole_fen * scale
    nearest = Reachable(list(weights(targets.field, found)), targets.units).nearest(
        half_up(exact_fen)
    )
    target_fen = _within(half_up(exact_fen), nearest, nearest, targets, scale)
    return replace(targets, subsidy=Figure(whole_fen, exact_fen, target_fen))


def _within(
    target_fen: int, least_fen: int, most_fen: int, targets: FieldTargets, scale: Fraction
) -> int:
    """The nearest total that can be met. Raises Infeasible where the whole programme can't be."""
    nearest = min(max(target_fen, least_fen), most_fen)
    if scale == 1 and nearest != target_fen:
        yuan = (Money(fen).yuan_text() for fen in (target_fen, nearest))
        raise Infeasible(
            f"{targets.field.slug}: {targets.units:,} units can't add up to {next(yuan)} yuan;"
            f" the nearest that fits is {next(yuan)}."
        )
    return nearest
