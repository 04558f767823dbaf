"""What an auditor's own count finds, and what the rollups say: cell by cell, the same way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date

from sqlalchemy import text

from tests.reconciliation import naive
from voucher_service.infra.core import Core

Place = tuple[str, str, str | None, date]
"""Basis, dimension, key and day."""
Cells = dict[Place, dict[str, int]]
_DIMENSIONS = ("offer", "area", "trade", "merchant_size", "hour")
_COLUMNS = [f"{name}_fen" for name in (*naive.FEN, *naive.FLOORS)] + list(naive.COUNTS)
_SAID = f"""SELECT basis, dimension, key, day, {", ".join(_COLUMNS)} FROM rollup
    WHERE programme_id = (SELECT id FROM programme WHERE slug = :slug)"""


def counted(core: Core, slug: str) -> Cells:
    """What the raw rows of a programme say; cells of nothing are left out."""
    with core.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        book = naive.count(session, slug)
    found: dict[Place, Counter[str]] = defaultdict(Counter)
    for one in book.moved:
        for basis, day in (("period", one.day), ("cohort", one.claimed)):
            for dimension in _DIMENSIONS:
                found[basis, dimension, one.keys.get(dimension), day].update(one.sums)
    return _filled(found)


def told(core: Core, slug: str) -> Cells:
    """What the rollups say; cells of nothing are left out."""
    found: dict[Place, Counter[str]] = {}
    with core.transaction() as session:
        for basis, dimension, key, day, *sums in session.execute(text(_SAID), {"slug": slug}):
            place = basis, dimension, key, day
            assert place not in found, "a cell stands there twice"
            found[place] = Counter(dict(zip(naive.FIGURES, sums, strict=True)))
    return _filled(found)


def _filled(found: Mapping[Place, Counter[str]]) -> Cells:
    kept = {at: {name: n for name, n in one.items() if n} for at, one in found.items()}
    return {at: one for at, one in kept.items() if one}
