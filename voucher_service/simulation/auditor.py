"""The auditor: what residents wrote down against what the books hold, and nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from .books import Books
from .residents import LATE, UNKNOWN, Resident


def audit(residents: Sequence[Resident], books: Books) -> list[str]:
    """Every broken promise of one history, at its end, in words."""
    return [
        *books.breaches,
        *_oversold(books),
        *_lost(residents, books),
        *_duplicates(residents, books),
        *_at_the_end(residents, books),
    ]


def _oversold(books: Books) -> Iterator[str]:
    rows = books.standing()
    slots = Counter((row.release, row.slot) for row in rows)
    for release in books.offer.releases:
        sold = sum(row.release == release.id for row in rows)
        if sold > release.quota:
            yield f"oversold: {sold} of {release.quota}"
    if any(times > 1 for times in slots.values()):
        yield "oversold: a slot is held twice"
    if any(row.epoch > books.epoch for row in books.seen(None)):
        yield "a row of an epoch that never was"


def undersold(books: Books) -> Iterator[str]:
    """What is left when new residents have asked for all that there is."""
    quota, sold = sum(one.quota for one in books.offer.releases), len(books.standing())
    if sold < quota:
        yield f"undersold: {sold} of {quota}, though asked for to the end"


def _lost(residents: Sequence[Resident], books: Books) -> Iterator[str]:
    for one in residents:
        for entry in one.journal:
            if entry.voucher is None:
                continue
            row, since_ms = books.committed.get(entry.voucher, (None, 0))
            if row is None or row.resident != one.id:
                yield f"lost: resident {one.number} was told of a voucher that is not there"
            elif since_ms > entry.at_ms:
                yield f"resident {one.number} was told before it was lasting"


def _duplicates(residents: Sequence[Resident], books: Books) -> Iterator[str]:
    owned = Counter(row.resident for row in books.standing())
    keyed = Counter((row.resident, row.key_hash) for row in books.seen(None))
    if any(count > books.offer.per_resident_limit for count in owned.values()):
        yield "duplicate: a resident holds more than one may"
    if any(count > 1 for count in keyed.values()):
        yield "duplicate: one key, two vouchers"
    for one in residents:
        told: dict[str, set[UUID]] = defaultdict(set)
        for entry in one.journal:
            if entry.voucher is not None:
                told[entry.key].add(entry.voucher)
        if any(len(ids) > 1 for ids in told.values()):
            yield f"resident {one.number} heard two answers to one key"


def _at_the_end(residents: Sequence[Resident], books: Books) -> Iterator[str]:
    """The last answer to each key must be right when nothing is under way any more."""
    keys = {(row.resident, row.key_hash) for row in books.seen(None)}
    lapsed = books.lapsed_keys()
    owned = Counter(row.resident for row in books.standing())
    late = (entry for one in residents if one.number >= LATE for entry in one.journal)
    sold_ms = max((entry.at_ms for entry in late if entry.voucher), default=0)
    for one in residents:
        for key, entry in {entry.key: entry for entry in one.journal}.items():
            code, asked = entry.code, (one.id, one.key_hash(key))
            if asked in lapsed:
                continue  # whatever they were last told was right then
            if code == UNKNOWN:
                yield f"resident {one.number} was never told"
            elif asked in keys and code != "voucher":
                yield f"resident {one.number} holds a voucher and was last told {code}"
            elif code == "sold_out" and entry.at_ms < sold_ms:
                yield f"resident {one.number} was told sold out while there were some"
            elif code == "limit_reached" and owned[one.id] < books.offer.per_resident_limit:
                yield f"resident {one.number} was told of a limit they have not reached"
            elif code not in {"voucher", "sold_out", "limit_reached"}:
                yield f"resident {one.number} was last told {code}"
