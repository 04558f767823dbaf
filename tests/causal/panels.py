"""Outcome files for tests: the head that their lines need, and lines of a panel with an effect."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from voucher_service.campaigns.model import Offer
from voucher_service.causal import weeks
from voucher_service.causal.outcomes import COLUMNS, FORMAT, VERSION, Kind

Rows = Sequence[Sequence[object]]
BEFORE, AFTER = 4, 4  # weeks


def span(offer: Offer) -> tuple[date, date]:
    """The first Monday and the last Sunday of a file that is just long enough."""
    opens, ends = weeks.valid(offer)
    return opens - timedelta(weeks=BEFORE), ends + timedelta(weeks=AFTER) - timedelta(days=1)


def mondays(offer: Offer) -> list[date]:
    """Every week of such a file."""
    first, last = span(offer)
    return [first + timedelta(weeks=n) for n in range(((last - first).days + 1) // 7)]


def written(offer: Offer, kind: Kind, rows: Rows, **said: object) -> io.BytesIO:
    """A file with these lines; `said` replaces what its head says."""
    first, last = span(offer)
    place = COLUMNS[kind].index("amount_fen")
    head: Mapping[str, object] = {
        FORMAT: VERSION,
        "kind": kind,
        "provider": "unionpay",
        "made_on": last + timedelta(days=1),
        "offer": offer.id,
        "amounts": "order",
        "from": first,
        "to": last,
        "lines": len(rows),
        "total_fen": sum(int(str(row[place])) for row in rows),
        **said,
    }
    lines = [f"{name},{value}" for name, value in head.items()]
    lines += [",".join(COLUMNS[kind]), *(",".join(map(str, row)) for row in rows)]
    return io.BytesIO("\n".join(lines).encode() + b"\n")


def panel(offer: Offer, extra: Mapping[str, int], keys: Iterable[str]) -> Rows:
    """A line a key and week: everybody's own usual amount, in the opening week `extra` fen more."""
    opens, _ = weeks.valid(offer)
    rows: list[Sequence[object]] = []
    for number, key in enumerate(keys):
        for monday in mondays(offer):
            # Whole numbers that look like noise and are the same in every run.
            usual = 20_000 + (number * 31 + monday.toordinal() * 17) % 11
            more = extra.get(key, 0) if monday == opens else 0
            rows.append((key, monday, "dining", "441702", usual + more, 3))
    return rows
