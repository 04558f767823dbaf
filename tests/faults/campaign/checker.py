"""What the journals say against what PostgreSQL holds: no line of the product has a part in it.

Reads journals (`client-*.jsonl`, `faults.jsonl`, `modes.jsonl`) and SQL, imports no code that was
tested. Every sentence in `Findings.violations` is a promise that was broken.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

CREATED = 201
Line = dict[str, Any]
Key = tuple[str, str]  # resident, key
_MODE_SLACK_NS = 1_000_000_000


@dataclass
class Findings:
    """What was counted, and what was broken: promise → cases."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


class _Books:
    """What PostgreSQL holds.

    `offers`: slug → (id, quota, limit). `rows`: (voucher, slug, resident, slot, release, key hash,
    whether it holds its slot).
    """

    def __init__(self, offers: dict[str, Any], rows: list[Any]) -> None:
        self.offers, self.rows = offers, rows
        self.by_id = {row[0]: row for row in rows}
        self.held = Counter(row[1] for row in rows if row[6])
        self.own: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in rows:
            if row[6]:
                self.own[row[1], row[2]].add(row[0])


def read(folder: Path, pattern: str) -> list[Line]:
    """The lines of journals, by their instants. A line cut short by a kill is left out."""
    lines = []
    for file in sorted(folder.glob(pattern)):
        for text in file.read_text("utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                continue
    return sorted(lines, key=lambda line: int(line["at"]))


def check(
    folder: Path, connection: psycopg.Connection[Any], *, exhausted: Iterable[str] = ()
) -> Findings:
    """Judge a run. `exhausted`: the offers that were asked for until nothing was left."""
    clients = read(folder, "client-*.jsonl")
    told = [line for line in clients if line["what"] == "told"]
    books, findings = _books(connection), Findings()
    _money(connection, findings)
    findings.counts.update(
        asked=sum(line["what"] == "asked" for line in clients),
        acknowledged=sum(line["status"] == CREATED for line in told),
        unsure=sum(line["status"] == 0 or line["status"] >= 500 for line in told),
        rows=len(books.rows),
    )
    _issue(books, findings)
    _acknowledgements(told, books, findings)
    _same_keys(told, books, findings)
    _last_answers(told, books, findings)
    _exhausted(books, set(exhausted), findings)
    _out_of_reach(folder, told, findings)
    return findings


def recoveries(folder: Path, phase: str, kind: str) -> list[float]:
    """Seconds from each kill of that phase to the first voucher asked for and given after it."""
    good = sorted(
        (line["at"], line["sent"])
        for line in read(folder, "client-*.jsonl")
        if line["what"] == "told" and line["status"] == CREATED
    )
    waits = []
    for fault in read(folder, "faults.jsonl"):
        if fault["what"] == "fault" and (fault["phase"], fault["kind"]) == (phase, kind):
            first = next((at for at, sent in good if sent > fault["began"]), None)
            if first is not None and fault["hit"]:
                waits.append((first - fault["began"]) / 1e9)
    return waits


def _books(connection: psycopg.Connection[Any]) -> _Books:
    offers = connection.execute("SELECT slug, id, quota, per_resident_limit FROM offer").fetchall()
    rows = connection.execute(
        "SELECT v.id::text, o.slug, v.resident_id::text, v.slot, v.release_id, v.claim_key_hash,"
        " v.holds_slot FROM voucher v JOIN offer o ON o.id = v.offer_id"
    ).fetchall()
    return _Books({slug: rest for slug, *rest in offers}, rows)


def _money(connection: psycopg.Connection[Any], findings: Findings) -> None:
    """Entries add up to nothing; what is outstanding is what live vouchers are worth."""
    total = connection.execute("SELECT coalesce(sum(amount_fen), 0) FROM ledger.entry").fetchone()
    if total != (0,):
        findings.violations["ledger sum"].append(f"all entries add up to {total}")
    differing = connection.execute(
        "SELECT o.slug, coalesce(e.held, 0), coalesce(v.worth, 0) FROM offer o"
        " LEFT JOIN (SELECT a.owner_id, sum(e.amount_fen) AS held FROM ledger.account a"
        "   JOIN ledger.entry e ON e.account_id = a.id"
        "   WHERE a.owner_type = 'pool' AND a.stage = 'outstanding' GROUP BY 1) e"
        "   ON e.owner_id = o.id"
        " LEFT JOIN (SELECT offer_id, sum(face_value_fen - spent_fen) AS worth FROM voucher"
        "   WHERE status IN ('claimed', 'frozen') GROUP BY 1) v ON v.offer_id = o.id"
        " WHERE coalesce(e.held, 0) <> coalesce(v.worth, 0)"
    ).fetchall()
    findings.violations["outstanding"] += [f"{s}: {held} ≠ {worth}" for s, held, worth in differing]


def _issue(books: _Books, findings: Findings) -> None:
    """Oversold: more than the quota, a slot twice, a resident above the limit."""
    for slug, count in books.held.items():
        if count > books.offers[slug][1]:
            findings.violations["oversold"].append(f"{slug}: {count} of {books.offers[slug][1]}")
    for slot, count in Counter((row[4], row[3]) for row in books.rows if row[6]).items():
        if count > 1:
            findings.violations["oversold"].append(f"slot {slot[1]} of {slot[0]} {count} times")
    for (slug, resident), mine in books.own.items():
        if len(mine) > books.offers[slug][2]:
            findings.violations["duplicate grants"].append(f"{slug}: {resident} holds {mine}")


def _acknowledgements(told: list[Line], books: _Books, findings: Findings) -> None:
    """Every voucher that was promised is there, with the same resident and offer."""
    for line in told:
        if line["status"] == CREATED:
            row = books.by_id.get(line["voucher"])
            if row is None or (row[1], row[2]) != (line["offer"], line["resident"]):
                findings.violations["lost acknowledgements"].append(f"{line} but {row}")


def _same_keys(told: list[Line], books: _Books, findings: Findings) -> None:
    """One key one voucher, one answer; and never anything else once it was given."""
    given: dict[Key, Line] = {}
    sent = Counter[Key]()
    for line in told:
        key = line["resident"], line["key"]
        sent[key] += 1
        first = given.get(key)
        if line["status"] == CREATED:
            given.setdefault(key, line)
            if first and (first["voucher"], first["content"]) != (line["voucher"], line["content"]):
                findings.violations["same key, other answer"].append(f"{first} then {line}")
        elif first and line["sent"] > first["at"] and _refuses(line):
            findings.violations["same key, other answer"].append(f"{first} then {line}")
    findings.counts["keys sent again"] = sum(count > 1 for count in sent.values())
    findings.counts["repeats"] = sum(count - 1 for count in sent.values())
    hashes = Counter((row[2], bytes(row[5])) for row in books.rows)
    for (resident, _), count in hashes.items():
        if count > 1:
            findings.violations["duplicate grants"].append(f"a key of {resident}: {count} vouchers")


def _refuses(line: Line) -> bool:
    return 400 <= int(line["status"]) < 500 and line["status"] != 429


def _last_answers(told: list[Line], books: _Books, findings: Findings) -> None:
    """How unsure requests ended; nobody is left without what they have, or could have."""
    by_key = {(row[2], bytes(row[5])): row for row in books.rows}
    last = {(line["resident"], line["key"]): line for line in told}
    for (resident, key), line in last.items():
        row = by_key.get((resident, sha256(key.encode()).digest()))
        if line["status"] == 0 or line["status"] >= 500:
            findings.counts["left unsure, voucher" if row else "left unsure, none"] += 1
        elif line["code"] == "sold_out":
            findings.counts["sold out"] += 1
            if row is not None:
                findings.violations["holder told sold out"].append(str(line))
            elif books.held[line["offer"]] < books.offers[line["offer"]][1]:
                findings.violations["told sold out, slots free"].append(str(line))
        elif line["code"] == "limit_reached":
            _limit(line, books, findings)
    findings.counts["keys"] = len(last)


def _limit(line: Line, books: _Books, findings: Findings) -> None:
    """Whoever is at the limit holds as many, and is told which."""
    mine = books.own[line["offer"], line["resident"]]
    if len(mine) < books.offers[line["offer"]][2]:
        findings.violations["refused below the limit"].append(str(line))
    if not line.get("holds") or not mine.issuperset(line["holds"]):
        findings.violations["holder not told which"].append(str(line))


def _exhausted(books: _Books, slugs: set[str], findings: Findings) -> None:
    """Undersold: whoever asked last was told sold out, and slots are free."""
    for slug in slugs:
        if books.held[slug] < books.offers[slug][1]:
            findings.violations["undersold"].append(
                f"{slug}: {books.held[slug]} of {books.offers[slug][1]}"
            )
    findings.counts["offers exhausted"] = len(slugs)


def _out_of_reach(folder: Path, told: list[Line], findings: Findings) -> None:
    """Nothing asked for and acknowledged while a server was away, but in the declared mode."""
    modes = [line for line in read(folder, "modes.jsonl") if line["degraded"]]
    good = [line for line in told if line["status"] == CREATED]
    for window in read(folder, "faults.jsonl"):
        if window["what"] != "out_of_reach" or window["server"] == "queue":
            continue
        since, until = window["since"], window["until"]
        findings.counts[f"windows without {window['server']}"] += 1
        for line in good:
            if since <= line["sent"] and line["at"] <= until:
                if window["server"] == "gate" and line["replayed"]:
                    findings.counts["repeated without the gate"] += 1
                elif window["server"] == "gate" and _degraded(modes, line):
                    findings.counts["acknowledged in degraded mode"] += 1
                else:
                    findings.violations["acknowledged out of reach"].append(f"{window} {line}")


def _degraded(modes: list[Line], line: Line) -> bool:
    return any(
        line["offer"] in mode["degraded"]
        and line["sent"] - _MODE_SLACK_NS <= mode["at"] <= line["at"] + _MODE_SLACK_NS
        for mode in modes
    )
