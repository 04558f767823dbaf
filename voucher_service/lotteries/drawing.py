"""The draw itself, and the files by which anybody repeats it. Pure: bytes in, bytes out.

`lottery.json` without its seed and result is what the seed is the hash of, so that no byte of it
can change without changing the winners. `tools/verify_lottery.py` does all this a second time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from .model import RULE_VERSION, Lottery

RULE = (
    "leaves sorted; list_sha256 = SHA-256 of entries.csv; seed = SHA-256 of lottery.json without "
    "seed and result_sha256; key = SHA-256(seed, list_sha256, leaf), 32 bytes each; lowest keys "
    "win, the next wait"
)
Ranked = tuple[bytes, bytes]


def list_hash(leaves: Iterable[bytes]) -> str:
    """SHA-256 in hex of the list as it is published. Leaves come sorted."""
    digest = hashlib.sha256(b"leaf\n")
    for leaf in leaves:
        digest.update(leaf.hex().encode() + b"\n")
    return digest.hexdigest()


def entries_file(leaves: Iterable[bytes]) -> bytes:
    """`entries.csv`: one leaf a line, sorted."""
    return b"leaf\n" + b"".join(leaf.hex().encode() + b"\n" for leaf in leaves)


def text(record: dict[str, Any]) -> str:
    """The one spelling of a record."""
    return json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def announced(lottery: Lottery) -> dict[str, Any]:
    """What is published before the draw: terms, list hash, and the commitments of every attempt.

    With the secrets it is what the seed is the hash of. Nothing in it but the secrets arises after
    the parties committed: not even the instant of a reveal, which somebody could try out.
    """
    attempts: list[list[dict[str, Any]]] = [[] for _ in range(lottery.attempt)]
    for one in sorted(lottery.commitments, key=lambda one: (one.attempt, one.party)):
        attempts[one.attempt - 1].append(
            {
                "party": str(one.party),
                "sha256": one.sha256,
                "committed_at": _instant(one.committed_at),
                "secret": one.secret,
            }
        )
    return {
        "format": RULE_VERSION,
        "rule": RULE,
        "id": str(lottery.id),
        "offer": str(lottery.offer.id),
        "title": lottery.offer.title,
        "seats": lottery.terms.seats,
        "waiting": lottery.terms.waiting,
        "opens_at": _instant(lottery.terms.opens_at),
        "closes_at": _instant(lottery.terms.closes_at),
        "waiting_from": _instant(lottery.terms.waiting_from),
        "closed_at": _instant(lottery.closed_at),
        "entries": lottery.entries,
        "list_sha256": lottery.list_sha256,
        "attempts": attempts,
    }


def lottery_file(lottery: Lottery) -> bytes:
    """`lottery.json`: what was announced; after the draw also the seed and the result's hash."""
    record = announced(lottery)
    if lottery.seed is not None:
        record |= {"seed": lottery.seed, "result_sha256": lottery.result_sha256}
    return text(record).encode()


def seed_of(lottery: Lottery) -> str:
    """The seed, in hex, once all have revealed."""
    return hashlib.sha256(text(announced(lottery)).encode()).hexdigest()


def ranked(seed: str, list_sha256: str, leaves: Sequence[bytes], places: int) -> list[Ranked]:
    """(key, leaf) of those who win or wait, in order."""
    return sorted(keyed(seed, list_sha256, leaves))[:places]


def keyed(seed: str, list_sha256: str, leaves: Iterable[bytes]) -> Iterator[Ranked]:
    """Each leaf with its key, in the order given."""
    stem = hashlib.sha256(bytes.fromhex(seed) + bytes.fromhex(list_sha256))
    for leaf in leaves:
        digest = stem.copy()
        digest.update(leaf)
        yield digest.digest(), leaf


def result_file(places: Sequence[Ranked], seats: int) -> bytes:
    """`result.csv`: rank, outcome, leaf and key of those who win or wait."""
    lines = ["rank,outcome,leaf,key"]
    for rank, (key, leaf) in enumerate(places, 1):
        outcome = "won" if rank <= seats else "waiting"
        lines.append(f"{rank},{outcome},{leaf.hex()},{key.hex()}")
    return ("\n".join(lines) + "\n").encode()


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()
