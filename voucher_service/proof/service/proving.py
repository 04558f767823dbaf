"""Proofs that something is in the log, and that the log only ever grew."""

from __future__ import annotations

from voucher_service.infra.core import Core

from .. import store, tree
from ..entry import Kind
from ..model import Consistency, Inclusion, NotSealed, SizeUnknown


def inclusion(core: Core, *, kind: Kind, number: int, size: int | None = None) -> Inclusion:
    """That a record or transfer is in the log of a size, or of all of it.

    Raises NotSealed, SizeUnknown.
    """
    with core.transaction() as session:
        found, whole = store.leaf(session, kind, number), store.state(session).size
        wanted = whole if size is None else size
        if wanted > whole:
            raise SizeUnknown(size=wanted, most=whole)
        if found is None or found[0] >= wanted:
            raise NotSealed
        index, line = found
        subtree = store.subtrees(session)
        path = tree.inclusion(index, wanted, subtree)
        return Inclusion(line, index, wanted, tree.head(wanted, subtree), path)


def consistency(core: Core, *, old: int, new: int) -> Consistency:
    """That the log of `new` leaves begins with that of `old`. Raises SizeUnknown."""
    with core.transaction() as session:
        whole = store.state(session).size
        if not 0 < old <= new <= whole:
            raise SizeUnknown(size=max(old, new), most=whole)
        return Consistency(old, new, tree.consistency(old, new, store.subtrees(session)))
