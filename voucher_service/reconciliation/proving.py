"""What a full recount proves: every cell that reports are made of, beside the same counted anew.

Compared are all cells of days that nothing moved since they were counted last, the list of repeated
payments, and every sum of cells that a report reads. A cell that says something else is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import ProgrammeId

from . import counting, trade_in_store
from .grain import Moved, WrongCell
from .tables import RollupWrongCellRow

NAMED_AT_MOST = 100
"""So many wrong cells of a table are named; all of them are counted."""

_OF_CELL = "side, day, claim_day, dimension, key"
_OF_SUM = "basis, dimension, key, day"
_REPEAT = "redemption_id, day"
_UNMOVED = """programme_id = :programme
    AND NOT (side = 'releases' AND day = ANY(CAST(:releases AS date[])))
    AND NOT (side = 'claims' AND claim_day = ANY(CAST(:claims AS date[])))
    AND NOT (side = 'lapses' AND day = ANY(CAST(:lapses AS date[])))
    AND NOT (side = 'orders' AND day = ANY(CAST(:orders AS date[])))"""
_UNMOVED_REPEAT = "programme_id = :programme AND NOT day = ANY(CAST(:orders AS date[]))"
_UNMOVED_SALE = "NOT day = ANY(CAST(:sales AS date[]))"
# What sums should be made of: the draft, and where days moved the cells, which stay until counted.
_RIGHT = f"""(
    SELECT {counting.CELL} FROM rollup_draft WHERE {_UNMOVED}
    UNION ALL
    SELECT {counting.CELL} FROM rollup_cell WHERE programme_id = :programme AND NOT ({_UNMOVED})
    ) cell"""  # noqa: S608 - constants of the code, here and below


def _compared(table: str, key: str, figures: str, stood: str, anew: str) -> str:
    """A statement that compares two lists of cells, keeps the wrong ones, and counts.

    Only of cells that are not alike on both sides the figures are looked at.
    """
    names = [one.strip() for one in figures.split(",") if one.strip()]
    row = ", ".join([key, *names])
    told = ", ".join(f"'{one.strip()}', {one.strip()}" for one in key.split(","))

    def side(of: str) -> str:
        summed = [f"sum({of})", *(f"sum({name} * {of})" for name in names)]
        return f"CAST(array[{', '.join(summed)}] AS bigint[])"

    return f"""
WITH listed AS MATERIALIZED (
    SELECT {row}, 1 AS stood, 0 AS again FROM ({stood}) s
    UNION ALL SELECT {row}, 0, 1 FROM ({anew}) a
), odd AS (
    SELECT {row}, sum(stood) AS stood, sum(again) AS again FROM listed GROUP BY {row}
    HAVING sum(stood) <> sum(again)
), wrong AS (
    SELECT jsonb_strip_nulls(jsonb_build_object({told})) AS cell, {side("stood")} AS stood,
        {side("again")} AS again, row_number() OVER (ORDER BY {key}) AS place
    FROM odd GROUP BY {key}
), named AS (
    INSERT INTO rollup_wrong_cell (programme_id, of_table, cell, figure, stood, again)
    SELECT :programme, '{table}', cell, f.figure, f.stood, f.again
    FROM wrong, unnest(CAST(array{["rows", *names]!r} AS text[]), wrong.stood, wrong.again)
        AS f(figure, stood, again)
    WHERE f.stood <> f.again AND place <= :most
)
SELECT (SELECT coalesce(sum(again), 0) FROM listed), (SELECT count(*) FROM wrong)
"""  # noqa: S608


_CELLS = text(
    _compared(
        "rollup_cell",
        _OF_CELL,
        counting.FIGURES,
        f"SELECT * FROM rollup_cell WHERE {_UNMOVED}",  # noqa: S608
        f"SELECT * FROM rollup_draft WHERE {_UNMOVED}",  # noqa: S608
    )
)
_SUMS = text(
    _compared(
        "rollup",
        _OF_SUM,
        counting.FIGURES,
        "SELECT * FROM rollup WHERE programme_id = :programme",
        f"SELECT basis, dimension, key, day, {counting.FIGURES}"  # noqa: S608
        f" FROM ({counting.sums(_RIGHT)}) summed ({counting.SUM})",
    )
)
_REPEATS = text(
    _compared(
        "rollup_repeat",
        _REPEAT,
        "",
        f"SELECT * FROM rollup_repeat WHERE {_UNMOVED_REPEAT}",  # noqa: S608
        f"SELECT * FROM rollup_draft_repeat WHERE {_UNMOVED_REPEAT}",  # noqa: S608
    )
)
_SALES = text(
    _compared(
        "trade_in_rollup",
        trade_in_store.KEY,
        trade_in_store.FIGURES,
        f"SELECT * FROM trade_in_rollup WHERE programme_id = :programme AND {_UNMOVED_SALE}",  # noqa: S608
        f"SELECT * FROM ({trade_in_store.COUNT}) counted ({trade_in_store.CELL})"  # noqa: S608
        f" WHERE {_UNMOVED_SALE}",
    )
)
_WRONG = text("""
SELECT p.slug AS programme, w.of_table, w.cell, w.figure, w.stood, w.again
FROM rollup_wrong_cell w JOIN programme p ON p.id = w.programme_id ORDER BY p.slug, w.id
""")


@dataclass(frozen=True, slots=True)
class Proof:
    """So many cells were compared, and in so many something else was found."""

    cells: int
    differing: int


def compare(session: Session, *, programme: ProgrammeId, moved: Moved) -> Proof:
    """Compare what stands with the draft of a full recount and keep which cells are wrong, in place
    of those of the last time. `moved`: what was written since the cells were counted last.
    """
    session.execute(delete(RollupWrongCellRow).where(RollupWrongCellRow.programme_id == programme))
    asked: dict[str, Any] = {side: sorted(getattr(moved, side)) for side in Moved.__slots__}
    asked |= {"programme": programme, "most": NAMED_AT_MOST}
    statements = [(one, asked) for one in (_CELLS, _SUMS, _REPEATS)]
    if trade_in_store.any_(session, programme=programme):
        statements.append((_SALES, asked | trade_in_store.EVER))
    found = [session.execute(*one).one() for one in statements]
    return Proof(*(int(sum(column)) for column in zip(*found, strict=True)))


def wrong(session: Session) -> list[WrongCell]:
    """What the last full recount of each programme found wrong."""
    return [WrongCell(**row) for row in session.execute(_WRONG).mappings()]
