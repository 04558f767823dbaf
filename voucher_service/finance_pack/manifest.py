"""What is in a pack: each file with its hash, for programs and for `sha256sum -c`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from voucher_service.i18n.formats import iso
from voucher_service.settlement.model import Batch

from .model import Facts
from .parcel import Packed
from .sheets import Totals


def as_json(
    batch: Batch, facts: Facts, files: Sequence[Packed], totals: Mapping[str, Totals]
) -> bytes:
    """The batch, what the invariants found, the head of the log, the sums of each table, and every
    file so far.
    """
    told = {
        "batch": {
            "id": str(batch.id),
            "number": batch.number,
            "day": batch.day.isoformat(),
            "status": str(batch.status),
            "total_fen": batch.total.fen,
            "bank_file_sha256": {"csv": batch.csv_sha256, "xlsx": batch.xlsx_sha256},
        },
        "made_at": iso(facts.at),
        "verified": {"invariants": facts.invariants, "cases": facts.cases},
        "log": {"size": facts.size, "root": facts.root, "note": facts.note},
        "tables": {
            name: {"rows": one.rows} | {column: sum_.fen for column, sum_ in one.sums.items()}
            for name, one in totals.items()
        },
        "files": [{"name": one.name, "bytes": one.size, "sha256": one.sha256} for one in files],
    }
    return json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def as_text(files: Sequence[Packed]) -> bytes:
    """A line for each file, as `sha256sum -c` reads them."""
    return "".join(f"{one.sha256}  {one.name}\n" for one in files).encode()
