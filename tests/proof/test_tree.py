"""The tree is that of RFC 6962: its heads, and proofs that hold for what is true alone."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.proof import tree
from voucher_service.proof.tree import Frontier

MOST = 33
LEAVES = [tree.leaf_hash(b"%d" % number) for number in range(1_000)]


def naive(leaves: list[bytes]) -> bytes:
    """The head by the words of RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + naive(leaves[:half]) + naive(leaves[half:])).digest()


def subtree(level: int, index: int) -> bytes:
    """A complete subtree of the leaves here."""
    return tree.complete_root(LEAVES[index << level : (index + 1) << level])


def altered(value: bytes) -> bytes:
    """With one bit the other way."""
    return bytes([value[0] ^ 1]) + value[1:]


def test_an_entry_and_a_node_never_have_the_same_hash() -> None:
    left, right = LEAVES[:2]
    assert tree.leaf_hash(left + right) != tree.node_hash(left, right)


def test_known_heads_come_out() -> None:
    # The reference implementation of Certificate Transparency is tested with these.
    entries = [bytes.fromhex(one) for one in ("", "00", "10", "2021", "3031", "40414243")]
    heads = [Frontier().extended(tree.leaf_hash(e) for e in entries[:n]).root for n in (0, 1, 2, 3)]
    assert [one.hex() for one in heads] == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    ]


@pytest.mark.parametrize("size", [*range(MOST), 255, 256, 257, 1_000])
def test_the_head_is_that_of_the_rfc_whether_at_once_or_bit_by_bit(size: int) -> None:
    wanted = naive(LEAVES[:size])
    assert tree.head(size, subtree) == wanted
    assert Frontier().extended(LEAVES[:size]).root == wanted
    half = Frontier().extended(LEAVES[: size // 3])
    assert half.extended(LEAVES[size // 3 : size]) == Frontier().extended(LEAVES[:size])


@pytest.mark.parametrize("size", range(1, MOST))
def test_each_leaf_is_proven_in_each_tree_and_nowhere_else(size: int) -> None:
    root = naive(LEAVES[:size])
    for index in range(size):
        path = tree.inclusion(index, size, subtree)
        assert tree.included(LEAVES[index], index, size, path, root)
        assert not tree.included(altered(LEAVES[index]), index, size, path, root)
        assert not tree.included(LEAVES[index], index, size, [*path, root], root)
        assert not tree.included(LEAVES[index], index, size, path, altered(root))
        for other in {0, index ^ 1, size - 1} - {index}:
            assert not tree.included(LEAVES[index], other, size, path, root)
        for at in range(len(path)):
            wrong = [*path[:at], altered(path[at]), *path[at + 1 :]]
            assert not tree.included(LEAVES[index], index, size, wrong, root)


@pytest.mark.parametrize("new", range(1, MOST))
def test_each_tree_is_the_beginning_of_each_later_one(new: int) -> None:
    root = naive(LEAVES[:new])
    for old in range(1, new + 1):
        before, path = naive(LEAVES[:old]), tree.consistency(old, new, subtree)
        assert tree.consistent(old, new, before, root, path)
        assert not tree.consistent(old, new, altered(before), root, path)
        assert not tree.consistent(old, new, before, altered(root), path)
        assert not tree.consistent(old, new, before, root, [*path, root])
        for at in range(len(path)):
            wrong = [*path[:at], altered(path[at]), *path[at + 1 :]]
            assert not tree.consistent(old, new, before, root, wrong)


@given(st.data())
def test_proofs_hold_in_larger_trees(data: st.DataObject) -> None:
    old, new = sorted(data.draw(st.lists(st.integers(1, 1_000), min_size=2, max_size=2)))
    index = data.draw(st.integers(0, old - 1))
    heads = [tree.head(size, subtree) for size in (old, new)]
    path = tree.consistency(old, new, subtree)
    assert tree.consistent(old, new, heads[0], heads[1], path)
    for size, root in zip((old, new), heads, strict=True):
        path = tree.inclusion(index, size, subtree)
        assert tree.included(LEAVES[index], index, size, path, root)
        assert len(path) <= (size - 1).bit_length()


def test_a_forked_log_has_no_proof_that_it_goes_on() -> None:
    forked = [*LEAVES[:10], tree.leaf_hash(b"another"), *LEAVES[11:20]]
    path = tree.consistency(12, 20, subtree)
    assert not tree.consistent(12, 20, naive(forked[:12]), naive(LEAVES[:20]), path)
    assert not tree.consistent(12, 20, naive(LEAVES[:12]), naive(forked), path)


def test_what_is_not_there_has_no_proof() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="not in a tree"):
            tree.inclusion(index, size, subtree)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="not the beginning"):
            tree.consistency(old, new, subtree)
    with pytest.raises(ValueError, match="power of two"):
        tree.complete_root(LEAVES[:3])
    assert not tree.included(LEAVES[0], 3, 3, [], LEAVES[0])
    assert not tree.consistent(0, 3, tree.EMPTY, LEAVES[0], [])


def test_what_is_kept_of_a_tree_are_its_complete_subtrees() -> None:
    for size in range(MOST):
        assert len(Frontier().extended(LEAVES[:size]).peaks) == size.bit_count()
    sizes = [Frontier().extended(LEAVES[:size]).root for size in range(MOST)]
    assert all(one != other for one, other in pairwise(sizes))
