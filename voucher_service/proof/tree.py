"""The Merkle tree of RFC 6962 as it grows: its head, proofs from complete subtrees, their checks.

A subtree of level n has 2**n leaves; the i-th of its level begins at leaf i * 2**n. Sizes count
leaves, indices from 0. Proofs are those of RFC 9162, sections 2.1.3 and 2.1.4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

# The root of a complete subtree, by level and index.
Subtree = Callable[[int, int], bytes]
EMPTY = hashlib.sha256(b"").digest()
# Of the levels of a large tree these are kept; those between come from at most 128 of them.
KEPT_LEVELS = 8


@dataclass(frozen=True, slots=True)
class Node:
    """The root of a complete subtree."""

    level: int
    index: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry, apart from those of nodes."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree by its complete subtrees, the largest first: enough to append, and for the head."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def extended(self, leaves: Iterable[bytes], kept: list[Node] | None = None) -> Frontier:
        """The tree with more leaf hashes behind. `kept` collects the nodes that become complete on
        the way and are worth keeping: those of every eighth level.
        """
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            peaks.append(leaf)
            size += 1
            for level in range(1, (size & -size).bit_length()):
                right = peaks.pop()
                peaks[-1] = node_hash(peaks[-1], right)
                if kept is not None and level % KEPT_LEVELS == 0:
                    kept.append(Node(level, (size >> level) - 1, peaks[-1]))
        return Frontier(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        """The head of the tree."""
        if not self.peaks:
            return EMPTY
        *left, found = self.peaks
        for peak in reversed(left):
            found = node_hash(peak, found)
        return found


def complete_root(leaves: Sequence[bytes]) -> bytes:
    """The root of a complete subtree by its 2**n leaf hashes."""
    level = list(leaves)
    if len(level) & (len(level) - 1) or not level:
        raise ValueError("a complete subtree has a power of two of leaves")
    while len(level) > 1:
        level = [node_hash(*level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0]


def head(size: int, subtree: Subtree) -> bytes:
    """The head that the tree had at a size."""
    return _root(0, size, subtree) if size else EMPTY


def inclusion(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The audit path of a leaf in the tree of a size. Raises ValueError for one that isn't in."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path, first, last = [], 0, size
    while last - first > 1:
        middle = first + _left(last - first)
        if index < middle:
            path.append(_root(middle, last, subtree))
            last = middle
        else:
            path.append(_root(first, middle, subtree))
            first = middle
    return path[::-1]


def consistency(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """The proof that the tree of `old` leaves is the beginning of that of `new`.

    Raises ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"a tree of {old} is not the beginning of one of {new}")
    path, first, last, whole = [], 0, new, True
    while last != old:
        middle = first + _left(last - first)
        if old <= middle:
            path.append(_root(middle, last, subtree))
            last = middle
        else:
            path.append(_root(first, middle, subtree))
            first, whole = middle, False
    if not whole:
        path.append(_root(first, last, subtree))
    return path[::-1]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether an audit path leads from a leaf hash to a head (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for part in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(part, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, part)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof leads from one head to a later one (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    parts = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not parts:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(part, before), node_hash(part, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, part)
        at, last = at >> 1, last >> 1
    return last == 0 and (before, after) == (old_root, new_root)


def _left(size: int) -> int:
    """How many leaves stand on the left: the largest power of two below a size of two or more."""
    return 1 << (size - 1).bit_length() - 1


def _root(first: int, last: int, subtree: Subtree) -> bytes:
    """The root of the leaves [first, last), which is a subtree of some tree."""
    size = last - first
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return subtree(level, first >> level)
    middle = first + _left(size)
    return node_hash(_root(first, middle, subtree), _root(middle, last, subtree))
