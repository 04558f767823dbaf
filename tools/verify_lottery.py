"""Repeat a lottery from its three published files: lottery.json, entries.csv, result.csv.

    python3 verify_lottery.py DIR [LIST_SHA256]

LIST_SHA256 is the hash of the list that you noted before the draw. Exit 0 when everything agrees,
else 1 and what differs. Needs nothing but Python.
"""

import hashlib
import json
import sys
from datetime import datetime
from pathlib import Path

PARTIES = ["audit", "bureau", "finance"]


class Differs(Exception):
    """The files are not those of an honest draw."""


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def must(agrees: bool, what: str) -> None:  # noqa: FBT001
    """Raises Differs."""
    if not agrees:
        raise Differs(what)


def spelled(record: dict) -> bytes:
    """The one spelling of lottery.json."""
    return (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def check_entries(record: dict, data: bytes, noted: str | None) -> list[bytes]:
    """The leaves, if they are the list whose hash was published."""
    lines = data.decode("ascii").split("\n")
    must(lines[0] == "leaf" and lines[-1] == "", "entries.csv: the header or the last line")
    leaves = lines[1:-1]
    for line, leaf in enumerate(leaves, 2):
        right = len(leaf) == 64 and not set(leaf) - set("0123456789abcdef")
        must(right, f"entries.csv line {line}: not 64 hex digits")
        must(line == 2 or leaves[line - 3] < leaf, f"entries.csv line {line}: out of order")
    must(len(leaves) == record["entries"], f"entries.csv has {len(leaves)} entries")
    must(sha256(data) == record["list_sha256"], "entries.csv is not the list of list_sha256")
    must(noted in (None, record["list_sha256"]), "list_sha256 is not what you noted")
    return [bytes.fromhex(leaf) for leaf in leaves]


def check_attempts(record: dict) -> None:
    """Each attempt before the last was void; in the last all three revealed what they promised."""
    must(record["format"] == "lottery/1", "format")
    closed = datetime.fromisoformat(record["closed_at"])
    attempts = record["attempts"]
    for number, attempt in enumerate(attempts, 1):
        name = f"attempt {number}"
        must([one["party"] for one in attempt] == PARTIES, f"{name}: not the three parties")
        must(len({one["sha256"] for one in attempt}) == len(PARTIES), f"{name}: hashes repeat")
        for one in attempt:
            if one["secret"] is not None:
                right = sha256(one["secret"].encode()) == one["sha256"]
                must(right, f"{name}: the secret of {one['party']} is not what it promised")
            if number == 1:
                early = datetime.fromisoformat(one["committed_at"]) <= closed
                must(early, f"{name}: {one['party']} promised after the list was closed")
        whole = all(one["secret"] is not None for one in attempt)
        must(whole == (number == len(attempts)), f"{name}: drawn or void, but not so published")


def check(folder: Path, noted: str | None) -> str:
    """What was verified, in a line. Raises Differs."""
    files = {name: (folder / name).read_bytes() for name in ("lottery.json", "entries.csv")}
    record = json.loads(files["lottery.json"].decode())
    must(spelled(record) == files["lottery.json"], "lottery.json is not spelled as published")
    leaves = check_entries(record, files["entries.csv"], noted)
    check_attempts(record)
    before = {key: record[key] for key in record if key not in ("seed", "result_sha256")}
    must(
        sha256(spelled(before)) == record["seed"], "the seed is not the hash of what was announced"
    )
    stem = bytes.fromhex(record["seed"]) + bytes.fromhex(record["list_sha256"])
    drawn = sorted((sha256(stem + leaf), leaf.hex()) for leaf in leaves)
    lines = ["rank,outcome,leaf,key"]
    for rank, (key, leaf) in enumerate(drawn[: record["seats"] + record["waiting"]], 1):
        lines.append(f"{rank},{'won' if rank <= record['seats'] else 'waiting'},{leaf},{key}")
    result = ("\n".join(lines) + "\n").encode()
    must((folder / "result.csv").read_bytes() == result, "result.csv is not what the draw gives")
    must(sha256(result) == record["result_sha256"], "result_sha256 is not the hash of result.csv")
    return f"agrees: {len(leaves)} entries, {len(lines) - 1} drawn, {record['seats']} seats"


if __name__ == "__main__":
    try:
        sys.stdout.write(check(Path(sys.argv[1]), *(sys.argv[2:3] or [None])) + "\n")
    except (Differs, OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        sys.exit(f"differs: {error!s}" if str(error) else f"differs: {error!r}")
