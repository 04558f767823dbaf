"""What an estimator is given, as arrays that can be kept and asked again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from . import areas, bunching, cutoff, lottery
from .model import Answer, Check, Design, Found
from .regression import Array

Frame = Mapping[str, Array]
_FEN = 100


def packed(frame: Frame) -> tuple[bytes, str]:
    """The arrays as one compressed file, and the hash of what they hold."""
    out, digest = io.BytesIO(), hashlib.sha256()
    for name in sorted(frame):
        digest.update(f"{name} {frame[name].shape}\n".encode())
        digest.update(np.ascontiguousarray(frame[name]).tobytes())
    np.savez_compressed(out, allow_pickle=False, **{name: frame[name] for name in sorted(frame)})
    return out.getvalue(), digest.hexdigest()


def unpacked(content: bytes) -> Frame:
    """The arrays again."""
    with np.load(io.BytesIO(content), allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files}


def of_people(rows: Sequence[tuple[int, bool, int, int, int, int]], *, after: bool) -> Frame:
    """Entrants of a lottery or a queue. Amounts become yuan; those whom the panel doesn't know
    stay as a rank alone, for the check of who is known.
    """
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    seen = table[table[:, 1] > 0]
    spent = seen[:, 3] + (seen[:, 4] if after else 0)
    return {
        "rank": seen[:, 0],
        "before": seen[:, 2] / _FEN,
        "spent": spent / _FEN,
        "redeemed": seen[:, 5] / _FEN,
        "all_ranks": table[:, 0],
        "known": table[:, 1],
    }


def of_areas(rows: Sequence[Any], *, opens: Any, ends: Any, weeks: int) -> Frame:
    """Areas with a figure for every week. `weeks` is how many the window has: the change is from as
    many weeks like the earlier ones. Yuan a person.
    """
    told: dict[str, dict[Any, tuple[float, float]]] = {}
    redeemed: dict[str, float] = {}
    for area, day, amount, people, back in rows:
        told.setdefault(area, {})[day] = (float(amount), float(people))
        redeemed[area] = float(back)
    days = sorted({day for by_day in told.values() for day in by_day})
    whole = [area for area in sorted(told) if len(told[area]) == len(days)]
    heads = np.array([np.mean([told[area][day][1] for day in days]) for area in whole])
    spent = np.array([[told[area][day][0] for day in days] for area in whole]).reshape(
        len(whole), len(days)
    )
    spent = spent / _FEN / np.maximum(heads, 1)[:, None]
    place = np.array([0 if day < opens else 1 if day < ends else 2 for day in days])
    window = (place > 0) if weeks > int((place == 1).sum()) else (place == 1)
    before = spent[:, place == 0]
    back_a_head = np.array([redeemed[area] for area in whole]) / _FEN / np.maximum(heads, 1)
    return {
        "issued": (back_a_head > 0).astype(np.float64),
        "before": before,
        "spent": spent[:, window].sum(axis=1) - weeks * before.mean(axis=1),
        "weeks": np.array([float(weeks)]),
        "redeemed": back_a_head,
    }


def of_orders(
    classes: Sequence[tuple[Any, int, int]], back: Mapping[Any, int], *, step: int, threshold: int
) -> Frame:
    """Orders of shops by class of amount, each `step` fen wide, up to three times the threshold."""
    shops = sorted({shop for shop, _, _ in classes}, key=str)
    first, last = 2, 3 * threshold // step
    counts = np.zeros((len(shops), last - first + 1))
    row = {shop: number for number, shop in enumerate(shops)}
    for shop, kind, count in classes:
        if first <= kind <= last:
            counts[row[shop], kind - first] = count
    return {
        "counts": counts,
        "amounts": np.arange(first, last + 1) * step / _FEN,
        "threshold": np.array([threshold / _FEN]),
        "redeemed": np.array([back.get(shop, 0) / _FEN for shop in shops]),
    }


def ask(design: Design, frame: Frame, seed: int) -> Answer:
    """The answer, with the checks beside it. The same frame and seed, the same answer."""
    answer = _ESTIMATORS[design](frame, np.random.default_rng(seed))
    if not isinstance(answer, Found):
        return answer
    return replace(answer, checks=_CHECKS[design](frame, np.random.default_rng(seed)))


def _some(frame: Frame, *names: str) -> dict[str, Array]:
    return {name: frame[name] for name in names}


def _tills(frame: Frame) -> dict[str, Any]:
    threshold = float(frame["threshold"][0])
    return {"threshold": threshold, **_some(frame, "counts", "amounts", "redeemed")}


_PEOPLE = ("spent", "before", "redeemed")
_ESTIMATORS: Mapping[Design, Callable[[Frame, np.random.Generator], Answer]] = {
    Design.LOTTERY: lambda frame, _: lottery.estimate(
        won=frame["rank"] <= 0, **_some(frame, *_PEOPLE)
    ),
    Design.CUTOFF: lambda frame, _: cutoff.estimate(**_some(frame, "rank", *_PEOPLE)),
    Design.AREAS: lambda frame, rng: areas.estimate(
        issued=frame["issued"] > 0,
        weeks=int(frame["weeks"][0]),
        rng=rng,
        **_some(frame, *_PEOPLE),
    ),
    Design.BUNCHING: lambda frame, rng: bunching.estimate(rng=rng, **_tills(frame)),
}
_CHECKS: Mapping[Design, Callable[[Frame, np.random.Generator], tuple[Check, ...]]] = {
    Design.LOTTERY: lambda frame, _: (
        *lottery.checks(won=frame["rank"] <= 0, **_some(frame, *_PEOPLE)),
        lottery.coverage(frame["all_ranks"], frame["known"] > 0),
    ),
    Design.CUTOFF: lambda frame, _: (
        *cutoff.checks(**_some(frame, "rank", "spent", "before")),
        cutoff.coverage(frame["all_ranks"], frame["known"] > 0),
    ),
    Design.AREAS: lambda frame, rng: areas.checks(
        issued=frame["issued"] > 0, before=frame["before"], rng=rng
    ),
    Design.BUNCHING: lambda frame, _: bunching.checks(**_tills(frame)),
}
