"""Check the exported log of the books: that nothing in it was changed, and that it adds up.

    python3 verify_log.py DIR [SIZE ROOT]

DIR holds entries.csv, leaves.txt (the hash of each entry), checkpoints.txt and keys.txt. SIZE and
ROOT (base64) are those of a checkpoint that you noted before, or that a witness signed: it must be
one of this very log. Exit 0 when everything agrees; else 1 with the first entry that is wrong.
Needs Python and its `cryptography` package; nothing of ours.

What is checked: the leaves make one Merkle tree (RFC 6962) whose heads at the sizes of all
checkpoints are the signed ones; every line of entries.csv is its leaf, to the byte; the indices
have no gap; the legs of every transfer add up to nothing; nothing stands in the log twice.
"""

import base64
import csv
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEADER = "index,kind,number,at,who,what,about,which,before,after,detail"


class Wrong(Exception):
    """The log is not what was signed. `index`: the first entry that is wrong, where one is."""

    def __init__(self, why, index=None):
        super().__init__(why)
        self.index = index


def node(left, right):
    """The hash of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The complete subtrees of the leaves so far, the largest first."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, leaf):
        """Append a leaf hash."""
        self.size += 1
        self.peaks.append(leaf)
        count = self.size
        while count % 2 == 0:
            right = self.peaks.pop()
            self.peaks[-1] = node(self.peaks[-1], right)
            count //= 2

    def root(self):
        """The head."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = node(peak, found)
        return found


def read_keys(folder):
    """The public keys by name and number, each with its kind: 1 signs for the log, 4 a witness."""
    keys = {}
    for text in (folder / "keys.txt").read_text("utf-8").split():
        name, number, value = text.split("+", 2)
        raw = base64.b64decode(value, validate=True)
        right = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if raw[0] not in (1, 4) or right.hex() != number:
            raise Wrong(f"keys.txt: {name} is no Ed25519 key of that number")
        keys[name, right] = raw[0], Ed25519PublicKey.from_public_bytes(raw[1:])
    if not keys:
        raise Wrong("keys.txt is empty")
    return keys


def read_checkpoint(text, keys):
    """The size and root of a signed head."""
    body, gap, signatures = text.partition("\n\n")
    lines = body.split("\n")
    if not gap or len(lines) < 3:
        raise Wrong("checkpoints.txt: not a checkpoint")
    origin, size, root = lines[:3]
    signed = False
    for line in filter(None, signatures.splitlines()):
        dash, name, value = line.split(" ", 2)
        raw = base64.b64decode(value, validate=True)
        if dash != "\N{EM DASH}" or (name, raw[:4]) not in keys:
            continue
        kind, key = keys[name, raw[:4]]
        message, signature = (body + "\n").encode(), raw[4:]
        if kind == 4:
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = f"cosignature/v1\ntime {seconds}\n".encode() + message
        try:
            key.verify(signature, message)
        except InvalidSignature as error:
            raise Wrong(f"checkpoints.txt: {name}'s signature at size {size} is wrong") from error
        signed = signed or (kind == 1 and name == origin)
    if not signed:
        raise Wrong(f"checkpoints.txt: nobody known signed the head at size {size}")
    return int(size), base64.b64decode(root, validate=True)


def read_checkpoints(folder, keys):
    """The signed roots by size. Two roots of one size are a fork."""
    roots = {0: hashlib.sha256(b"").digest()}
    text = (folder / "checkpoints.txt").read_text("utf-8")
    for part in text.replace("\n\n\N{EM DASH}", "\0\N{EM DASH}").split("\n\n"):
        size, root = read_checkpoint(part.replace("\0", "\n\n") + "\n", keys)
        if roots.setdefault(size, root) != root:
            raise Wrong(f"checkpoints.txt: two heads at size {size}: the log was forked", size)
    return roots


class Books:
    """What the entries say of money: balances by account, and the transfers there were."""

    def __init__(self):
        self.balances, self.seen = {}, set()

    def take(self, index, row):
        """Count an entry."""
        if row["kind"] not in ("event", "transfer"):
            raise Wrong(f"entry {index}: an unknown kind", index)
        if (row["kind"], row["number"]) in self.seen:
            raise Wrong(f"entry {index}: {row['kind']} {row['number']} stands twice", index)
        self.seen.add((row["kind"], row["number"]))
        if row["kind"] == "event":
            return
        legs = json.loads(row["detail"])
        if len(legs) < 2 or sum(amount for _, amount in legs) != 0:
            raise Wrong(f"entry {index}: the legs do not add up to nothing", index)
        for account, amount in legs:
            self.balances[account] = self.balances.get(account, 0) + amount


def entries(file):
    """The lines of entries.csv without their ends, with the bytes that are hashed."""
    if file.readline() != (HEADER + "\n").encode():
        raise Wrong("entries.csv: not the header", 0)
    for index, line in enumerate(file):
        if not line.endswith(b"\n"):
            raise Wrong(f"entry {index}: the last line is cut off", index)
        yield index, line[:-1]


def parse(index, line):
    """The fields of a line."""
    try:
        fields = next(csv.reader([line.decode("utf-8")], strict=True))
        row = dict(zip(HEADER.split(","), fields, strict=True))
    except (ValueError, csv.Error, StopIteration) as error:
        raise Wrong(f"entry {index}: not a line of the log", index) from error
    if row["index"] != str(index):
        raise Wrong(f"entry {index}: numbered {row['index']}", index)
    return row


def check(folder, noted=None):
    """How many entries were checked. Raises Wrong."""
    keys = read_keys(folder)
    roots = read_checkpoints(folder, keys)
    if noted is not None and roots.setdefault(*noted) != noted[1]:
        raise Wrong(f"the head at size {noted[0]} is not the one you noted", noted[0])
    last = max(roots)
    check_leaves(folder, roots)
    books, index = Books(), -1
    with (folder / "entries.csv").open("rb") as file, (folder / "leaves.txt").open() as leaves:
        for index, line in entries(file):
            if index >= last:
                raise Wrong(f"entry {index} is beyond the last signed head", index)
            if hashlib.sha256(b"\0" + line).hexdigest() != leaves.readline().strip():
                raise Wrong(f"entry {index} is not what was sealed", index)
            books.take(index, parse(index, line))
    if index + 1 != last:
        raise Wrong(f"entry {index + 1} is missing: {last} were signed", index + 1)
    return last, books


def check_leaves(folder, roots):
    """The leaves are those of the signed heads. Raises Wrong with where they stop being it."""
    tree, agreed = Tree(), 0
    with (folder / "leaves.txt").open() as leaves:
        for line in leaves:
            tree.add(bytes.fromhex(line))
            if tree.size in roots:
                if tree.root() != roots[tree.size]:
                    raise Wrong(f"leaves.txt from {agreed} on is not what was signed", agreed)
                agreed = tree.size
    if tree.size != max(roots):
        raise Wrong(f"leaves.txt ends at {tree.size}, signed were {max(roots)}", tree.size)


def main(words):
    """The command."""
    folder = Path(words[0])
    noted = (int(words[1]), base64.b64decode(words[2])) if len(words) == 3 else None
    try:
        count, books = check(folder, noted)
    except Wrong as wrong:
        where = "" if wrong.index is None else f"{wrong.index}: "
        print(f"{where}{wrong}")  # noqa: T201
        return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"not a log that can be read: {error}")  # noqa: T201
        return 1
    accounts = len(books.balances)
    told = f"{count} entries agree with every signed head; {accounts} accounts add up to nothing"
    print(told)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
