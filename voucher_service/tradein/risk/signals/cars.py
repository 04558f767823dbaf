"""Cars that were subsidised before, under either scheme, or are not what the papers say. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator

from ...policy import Energy
from ..facts import ApplicationFacts
from ..findings import Finding, Kind, Weight
from ..spelling import vin_alike, vin_doubtful
from ..ties import Near, Tie

_OTHER_KIND = "other"
# So many applications for one model, and so large a part of them that says the same, know better.
_MODEL_LEAST = 5
_MODEL_AGREES = 80


def signals(car: ApplicationFacts, near: Near) -> Iterator[Finding]:
    """Everything about the cars."""
    yield from _same(car, near)
    yield from _alike(car, near)
    yield from _ineligible(car)
    yield from _unlike(car, near.applications(Tie.VIN_MODEL))


def _same(car: ApplicationFacts, near: Near) -> Iterator[Finding]:
    for other in _earlier(car, near.applications(Tie.VIN)):
        shared = set(car.vins) & set(other.vins)
        for vin in sorted(shared):
            # A car that was bought with a subsidy may be given up for the next one, years later.
            both_new, both_old = car.new_vin == other.new_vin, car.old_vin == other.old_vin
            weight = Weight(95 if both_new or both_old else 45)
            told = {"vin": vin, "scheme": str(other.scheme)}
            yield Finding(Kind.SAME_VEHICLE, weight, (other.id,), told)


def _alike(car: ApplicationFacts, near: Near) -> Iterator[Finding]:
    for other in _earlier(car, near.applications(Tie.VIN_ALIKE)):
        for mine in car.vins:
            for theirs in other.vins:
                if mine == theirs or vin_alike(mine) != vin_alike(theirs):
                    continue
                if weight := _near(mine, theirs):
                    told = {"vin": mine, "other": theirs}
                    yield Finding(Kind.VEHICLE_ALIKE, Weight(weight), (other.id,), told)


def _near(one: str, other: str) -> int:
    """What two VINs weigh that look alike."""
    doubtful = vin_doubtful(one), vin_doubtful(other)
    if all(doubtful):
        return 20  # a maker without check digits
    if any(doubtful):
        return 80
    # Two right check digits are two cars, unless two models share a running number, or one of the
    # last four signs, which are digits (GB 16735), is a letter.
    running = one[11:] == other[11:] or not (one[13:] + other[13:]).isdigit()
    return 40 if running else 0


def _ineligible(car: ApplicationFacts) -> Iterator[Finding]:
    what = [
        word
        for word, holds in (
            ("vehicle", car.vehicle == _OTHER_KIND),
            ("seats", car.seats_most is not None and car.seats > car.seats_most),
            ("engine", _too_large(car, car.engine_ml)),
            ("catalogue", car.catalogue and car.energy is Energy.NEV and not car.listed),
        )
        if holds
    ]
    if what:
        yield Finding(Kind.VEHICLE_INELIGIBLE, Weight(90), told={"what": what[0]})
    if car.large_plate:
        yield Finding(Kind.LARGE_PLATE, Weight(70))


def _too_large(car: ApplicationFacts, engine_ml: int | None) -> bool:
    most = car.engine_most_ml
    return most is not None and engine_ml is not None and engine_ml > most


def _unlike(car: ApplicationFacts, model: list[ApplicationFacts]) -> Iterator[Finding]:
    """What the others of its model say, where it makes a difference to the subsidy."""
    if len(model) < _MODEL_LEAST:
        return
    asked: tuple[tuple[str, int, Callable[[ApplicationFacts], Hashable]], ...] = (
        ("vehicle", 60, lambda one: one.vehicle),
        ("seats", 60, lambda one: car.seats_most is not None and one.seats > car.seats_most),
        ("energy", 50, lambda one: one.energy),
        ("engine", 45, lambda one: _too_large(car, one.engine_ml)),
        ("catalogue", 30, lambda one: one.energy is Energy.NEV and one.listed),
    )
    for what, weight, of in asked:
        said, count = Counter(map(of, model)).most_common(1)[0]
        if said != of(car) and 100 * count >= _MODEL_AGREES * len(model):
            others = tuple(one.id for one in model if of(one) == said)
            told: dict[str, str | int] = {"what": what, "count": count}
            yield Finding(Kind.VEHICLE_UNLIKE_MODEL, Weight(weight), others, told)
            return


def _earlier(car: ApplicationFacts, others: list[ApplicationFacts]) -> list[ApplicationFacts]:
    return [one for one in others if (one.at, one.id) < (car.at, car.id)]
