"""Check every lottery from its rows: the list, the seed, the ranks and the published result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy.orm import Session

from .. import drawing, store
from ..model import Lottery
from ..tables import LotteryRow


def differences(session: Session) -> list[str]:
    """What of the published hashes and places is not what the rows give; nothing when all is."""
    closed = store.lotteries(session, LotteryRow.list_sha256.is_not(None))
    return [f"lottery {one.id}: {what}" for one in closed for what in _check(session, one)]


def _check(session: Session, found: Lottery) -> Iterator[str]:
    entries = store.ranked_leaves(session, found.id)
    leaves = [leaf for leaf, _ in entries]
    if found.list_sha256 is None or drawing.list_hash(leaves) != found.list_sha256:
        yield "the entries are not the list of list_sha256"
        return
    if found.seed is None:
        if any(rank is not None for _, rank in entries):
            yield "somebody has a place before the draw"
        return
    if drawing.seed_of(found) != found.seed:
        yield "the seed is not the hash of what was announced"
    terms = found.terms
    places = drawing.ranked(found.seed, found.list_sha256, leaves, terms.seats + terms.waiting)
    drawn = {leaf: rank for rank, (_, leaf) in enumerate(places, 1)}
    if any(drawn.get(leaf) != rank for leaf, rank in entries):
        yield "the places are not those that the draw gives"
    result = hashlib.sha256(drawing.result_file(places, terms.seats)).hexdigest()
    if result != found.result_sha256:
        yield "result_sha256 is not the hash of the result"
