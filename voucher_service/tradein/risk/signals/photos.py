"""Photos that were handed in before, are older than the sale, or were taken elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ..facts import Facts, Photo, SaleFacts
from ..findings import Finding, Kind, Weight
from ..likeness import FAR_BITS, apart, correlation, says_something
from ..ties import Near, Tie

# How alike greys are (ten-thousandths) and what that weighs. Packed again, brightened or made
# smaller a picture stays above the first; two of the same corner of a shop rarely reach it.
_ALIKE = ((9_930, 70), (9_750, 20))
# Two shots have two times; one shot that was copied has one, or lost it.
_OTHER_SHOT = timedelta(seconds=3)
_OLD = timedelta(days=1)
_FAR_METRES = ((200_000, 20), (30_000, 8))


def signals(facts: Facts, near: Near) -> Iterator[Finding]:
    """Everything about the photos."""
    for photo in facts.photos:
        yield from _same(facts, photo, near)
        yield from _like(facts, photo, near)
        if isinstance(facts, SaleFacts):
            yield from _when_and_where(facts, photo)


def _same(facts: Facts, photo: Photo, near: Near) -> Iterator[Finding]:
    for other in _earlier(facts, near.all(Tie.FILE)):
        if any(photo.sha256 == theirs.sha256 for theirs in other.photos):
            # One person's identity card, or three air conditioners on one photo.
            own = other.resident == facts.resident
            if own and not photo.thing:
                continue
            weight = Weight(25 if own else 95)
            yield Finding(Kind.SAME_PHOTO, weight, (other.id,), {"paper": photo.paper})


def _like(facts: Facts, photo: Photo, near: Near) -> Iterator[Finding]:
    if not photo.thing or photo.likeness is None or not says_something(photo.likeness):
        return
    for other in _earlier(facts, near.all(Tie.PHOTO)):
        for theirs in other.photos:
            if theirs.sha256 == photo.sha256 or not theirs.thing:
                continue
            alike = _alike(photo, theirs)
            weight = next((weight for least, weight in _ALIKE if alike >= least), 0)
            if weight:
                if _two_shots(photo, theirs):
                    weight //= 4
                if other.resident == facts.resident:
                    weight //= 3
                told: dict[str, str | int] = {"paper": photo.paper, "percent": alike // 100}
                yield Finding(Kind.LIKE_PHOTO, Weight(weight), (other.id,), told)


def _alike(one: Photo, other: Photo) -> int:
    if one.likeness is None or other.likeness is None:
        return 0
    if apart(one.likeness, other.likeness) > FAR_BITS or one.tiny is None or other.tiny is None:
        return 0
    return correlation(one.tiny, other.tiny)


def _two_shots(one: Photo, other: Photo) -> bool:
    """Whether their cameras noted two times."""
    if one.taken_at is None or other.taken_at is None:
        return False
    return abs(one.taken_at - other.taken_at) > _OTHER_SHOT


def _when_and_where(sale: SaleFacts, photo: Photo) -> Iterator[Finding]:
    told: dict[str, str | int]
    if photo.thing and photo.taken_at is not None and photo.taken_at < sale.at - _OLD:
        told = {"days": (sale.at - photo.taken_at).days, "paper": photo.paper}
        yield Finding(Kind.OLD_PHOTO, Weight(40), told=told)
    if photo.thing and photo.position is not None and sale.place is not None:
        metres = sale.place.metres_to(photo.position)
        weight = next((weight for least, weight in _FAR_METRES if metres >= least), 0)
        if weight:
            told = {"kilometres": metres // 1_000, "paper": photo.paper}
            yield Finding(Kind.FAR_PHOTO, Weight(weight), told=told)


def _earlier(facts: Facts, others: list[Facts]) -> list[Facts]:
    """The first picture is the original: whoever hands it in after is asked."""
    return [one for one in others if (one.at, one.id) < (facts.at, facts.id)]
