"""Change an exported log at every index in six ways, and see where the outsider's script finds it.

    python -m tests.proof.tamper --rows 10000 [--each]

A log is made with heads at some sizes on its way and exported as `voucher proof export` does. The
script is asked in this process: it is the same code that `python3 tools/verify_log.py DIR` runs.
Exit 1 when any change was not found, or at another index than the first that it touched.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic
from types import ModuleType
from typing import TypeVar
from uuid import UUID

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voucher_service.proof import notes
from voucher_service.proof.entry import HEADER, Entry, Event, Transfer, line, persons
from voucher_service.proof.notes import Head
from voucher_service.proof.service.exporting import CHECKPOINTS, ENTRIES, KEYS, LEAVES
from voucher_service.proof.tree import Frontier, leaf_hash

T = TypeVar("T")
SCRIPT = Path(__file__).parents[2] / "tools" / "verify_log.py"
ORIGIN = "city.example/vouchers"
_BEGAN = datetime(2026, 9, 23, 2, 0, tzinfo=UTC)


def script() -> ModuleType:
    """The outsider's script as a module."""
    spec = importlib.util.spec_from_file_location("verify_log", SCRIPT)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@dataclass(frozen=True)
class Log:
    """An exported log: its lines, and the sizes at which a head was signed."""

    lines: Sequence[str]
    heads: Sequence[int]
    key: Ed25519PrivateKey

    def write(self, folder: Path, lines: Sequence[str] | None = None) -> None:
        """The files of an honest export; of other lines under the same key where they are given."""
        told = self.lines if lines is None else lines
        hashes = [leaf_hash(one.encode()) for one in told]
        signed = [_note(hashes[:size], self.key) for size in self.heads if size <= len(told)]
        (folder / LEAVES).write_text("".join(f"{one.hex()}\n" for one in hashes), "ascii")
        (folder / CHECKPOINTS).write_text("\n".join(signed), "utf-8")
        (folder / KEYS).write_text(f"{notes.verifier(ORIGIN, self.key)}\n", "utf-8")
        write_entries(folder, told)

    def root(self, size: int) -> bytes:
        """What somebody noted of the head at a size."""
        return Frontier().extended(leaf_hash(one.encode()) for one in self.lines[:size]).root


def write_entries(folder: Path, lines: Sequence[str]) -> None:
    """`entries.csv` alone."""
    (folder / ENTRIES).write_text("\n".join([",".join(HEADER), *lines]) + "\n", "utf-8")


def made(rows: int, seed: int) -> Log:
    """A log of so many entries: claims, movements, and texts with every mark that can mislead."""
    random = Random(seed)
    salts = Random(seed + 1)
    lines = []
    for index in range(rows):
        entry = _entry(index, random)
        lines.append(line(index, entry, {one: salts.randbytes(16) for one in persons(entry)}))
    heads = sorted({rows, *(random.randrange(1, rows + 1) for _ in range(6))})
    return Log(lines, heads, Ed25519PrivateKey.from_private_bytes(random.randbytes(32)))


def _entry(index: int, random: Random) -> Entry:
    at = _BEGAN + timedelta(milliseconds=index)
    if index % 3 == 2:
        fen = random.randrange(1, 100_000)
        purse, spent = (UUID(int=random.getrandbits(128)) for _ in range(2))
        legs = ((f"campaign:{purse}:available", -fen), (f"offer:{spent}:issued", fen))
        return Transfer(index, at, "issue", f"issue:{index}", legs)
    who = UUID(int=random.getrandbits(128))
    odd = random.choice(["", 'a "quoted", word', "two\nlines", "back\\slash", "转账，退款"])
    detail = {"reason": odd, "amount_fen": random.randrange(10**6), "offer": odd}
    return Event(
        index, at, f"resident:{who}", "voucher.issued", "voucher", odd, None, "live", detail
    )


def _note(hashes: Sequence[bytes], key: Ed25519PrivateKey) -> str:
    root = Frontier().extended(hashes).root
    return notes.signed(Head(ORIGIN, len(hashes), root), key)


Found = int | str | None
Way = Callable[["Bench", int], tuple[Found, Found]]


@dataclass
class Bench:
    """Where changes are made and judged."""

    log: Log
    folder: Path
    checker: ModuleType
    random: Random

    def judged(self, noted: tuple[int, bytes] | None = None) -> Found:
        """The index that the script names; None when it finds nothing."""
        try:
            self.checker.check(self.folder, noted)
        except self.checker.Wrong as wrong:
            found: Found = wrong.index
            return "no index" if found is None else found
        return None

    def entries(self, lines: Sequence[str]) -> Found:
        """The index that is named when `entries.csv` has these lines."""
        write_entries(self.folder, lines)
        return self.judged()


def alter(bench: Bench, at: int) -> tuple[Found, Found]:
    """One character of one line is another."""
    lines = list(bench.log.lines)
    old = lines[at]
    place = bench.random.randrange(len(old))
    new = "7" if old[place] != "7" else "8"
    lines[at] = old[:place] + new + old[place + 1 :]
    return at, bench.entries(lines)


def delete(bench: Bench, at: int) -> tuple[Found, Found]:
    """One line is gone."""
    return at, bench.entries([*bench.log.lines[:at], *bench.log.lines[at + 1 :]])


def insert(bench: Bench, at: int) -> tuple[Found, Found]:
    """A line of elsewhere stands there too, under the index of its new place."""
    other = bench.random.choice(
        [one for one in (at - 1, at + 1) if 0 <= one < len(bench.log.lines)]
    )
    rest = bench.log.lines[other].partition(",")[2]
    return at, bench.entries([*bench.log.lines[:at], f"{at},{rest}x", *bench.log.lines[at:]])


def swap(bench: Bench, at: int) -> tuple[Found, Found]:
    """Two lines changed places."""
    lines = list(bench.log.lines)
    other = bench.random.choice([one for one in range(max(at - 50, 0), at + 50) if one != at])
    other = other if other < len(lines) else at - 1
    lines[at], lines[other] = lines[other], lines[at]
    return min(at, other), bench.entries(lines)


def truncate(bench: Bench, at: int) -> tuple[Found, Found]:
    """Everything from there on is gone."""
    return at, bench.entries(bench.log.lines[:at])


def fork(bench: Bench, at: int) -> tuple[Found, Found]:
    """Another history from there on, whole and signed with the log's own key: against a head that
    somebody noted. The script can only name that head: the other history has no line in common
    with what it knows. It must be the first noted one beyond the change.
    """
    lines = list(bench.log.lines)
    lines[at] = f"{at}," + lines[at].partition(",")[2] + "x"
    bench.log.write(bench.folder, lines)
    noted = next(size for size in bench.log.heads if size > at)
    found = bench.judged((noted, bench.log.root(noted)))
    bench.log.write(bench.folder)
    return noted, found


WAYS: tuple[Way, ...] = (alter, delete, insert, swap, truncate, fork)


def campaign(
    rows: int, seed: int, *, each: bool = False, part: int = 1, share: tuple[int, int] = (0, 1)
) -> tuple[Counter[str], list[str]]:
    """Tamper at every index, or at one in so many, in one way after the other or in each; how often
    in which way, and what was not found where it was done. `share`: the how manieth of how many do
    their part of it.
    """
    done: Counter[str] = Counter()
    missed = []
    first, of = share
    random = Random(f"{seed}-{first}")
    log = made(rows, seed)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(log, Path(name), script(), random)
        log.write(bench.folder)
        if (clean := bench.judged()) is not None:
            return done, [f"the honest log is refused at {clean}"]
        for turn, at in list(enumerate(range(0, rows, part)))[first::of]:
            for way in WAYS if each else (WAYS[turn % len(WAYS)],):
                expected, found = way(bench, at)
                done[way.__name__] += 1
                if found != expected:
                    missed.append(f"{way.__name__} at {at}: named {found}, was {expected}")
    return done, missed


def _share(run: Callable[..., T], share: tuple[int, int]) -> T:
    return run(share=share)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--each", action="store_true", help="every index in each of the ways")
    parser.add_argument("--part", type=int, default=1, help="one index in so many")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=1, help="so many share the work")
    asked = parser.parse_args()
    began, done, missed = monotonic(), Counter[str](), list[str]()
    shares = [(one, asked.processes) for one in range(asked.processes)]
    with ProcessPoolExecutor(asked.processes) as pool:
        run = partial(campaign, asked.rows, asked.seed, each=asked.each, part=asked.part)
        for some, others in pool.map(partial(_share, run), shares):
            done += some
            missed += others
    told = ", ".join(f"{name} {count:,}" for name, count in done.items())
    click.echo(f"{told}: {len(missed)} not found at their index, {monotonic() - began:.0f} s")
    click.echo("\n".join(missed[:20]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
