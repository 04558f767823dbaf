"""The auditor: what residents wrote down against what the books hold, and nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from .books import Books
from .residents import UNKNOWN, Resident


def audit(residents: Sequence[Resident], books: Books) -> list[str]:
    """Every broken promise of one history, at its end, in words."""
    return [
        *_oversold(books),
        *_undersold(books),
        *_lost(residents, books),
        *_duplicates(residents, books),
        *_at_the_end(residents, books),
    ]


def _oversold(books: Books) -> Iterator[str]:
    rows = [row for row, _ in books.committed.values()]
    slots = Counter((row.release, row.slot) for row in rows)
    for release in books.offer.releases:
        sold = sum(row.release == release.id for row in rows)
        if sold > release.quota:
            yield f"oversold: {sold} of {release.quota}"
    if any(times > 1 for times in slots.values()):
        yield "oversold: a slot is held twice"
    if books.posted != len(rows):
        yield f"the ledger knows {books.posted} vouchers of {len(rows)}"
    if any(row.epoch > books.epoch for row in rows):
        yield "a row of an epoch that never was"


def _undersold(books: Books) -> Iterator[str]:
    quota, sold = sum(one.quota for one in books.offer.releases), len(books.committed)
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
    owned: Counter[UUID] = Counter()
    keyed: Counter[tuple[UUID, bytes]] = Counter()
    for row, _ in books.committed.values():
        owned[row.resident] += 1
        keyed[row.resident, row.key_hash] += 1
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
    keys = {(row.resident, row.key_hash) for row, _ in books.committed.values()}
    owned = Counter(row.resident for row, _ in books.committed.values())
    latecomers = [one for one in residents if one.number >= 1_000]
    late_sold = any(entry.voucher for one in latecomers for entry in one.journal)
    for one in residents:
        last = {entry.key: entry.code for entry in one.journal}
        for key, code in last.items():
            stands = (one.id, one.key_hash(key)) in keys
            if code == UNKNOWN and not one.gave_up:
                yield f"resident {one.number} was never told"
            elif code == UNKNOWN:
                continue
            elif stands and code != "voucher":
                yield f"resident {one.number} holds a voucher and was last told {code}"
            elif code == "sold_out" and late_sold and not one.gave_up and one not in latecomers:
                yield f"resident {one.number} was told sold out while there were some"
            elif code == "limit_reached" and owned[one.id] < books.offer.per_resident_limit:
                yield f"resident {one.number} was told of a limit they have not reached"
            elif code not in {"voucher", "sold_out", "limit_reached"}:
                yield f"resident {one.number} was last told {code}"
