"""Compare a till's own file with our books, keep the result, read it again. For managers."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import day_of, end_of, start_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId, RedemptionId, ShopId, new_id
from voucher_service.kernel.page import (
    CursorInvalid,
    Page,
    decode_cursor,
    decode_moment,
    encode_cursor,
)
from voucher_service.merchants import service as merchants

from . import matching_store as store
from . import till_file
from .model import Finding, Matching, MatchingId, MatchingLine, MatchingLineId, Theirs, match
from .tables import MatchingLineRow, MatchingRow


def compare(
    core: Core,
    *,
    actor: Actor,
    file_name: str,
    content: bytes,
    first: date | None = None,
    last: date | None = None,
) -> Matching:
    """Compare a file with the manager's shop, and keep every line of the result.

    Without `first` and `last` the days of the file count; today, where it names none. Raises
    NotAllowed, TillFileInvalid; then nothing is kept.
    """
    theirs = till_file.read(content)
    with core.transaction() as session:
        now, shop = core.now(session), shop_of(session, actor)
        begins, ends = _days(theirs, first, last, today=day_of(now))
        told = {one.reference for one in theirs}
        span = start_of(begins), end_of(ends)
        ours = store.ours(session, shop=shop, span=span, references=told)
        undone = store.undone(session, shop=shop, references=told)
        pairs = match(ours, theirs, first=begins, last=ends, undone=undone)
        counts = Counter(pair.finding for pair in pairs)
        made = Matching(
            MatchingId(new_id()),
            shop,
            file_name,
            begins,
            ends,
            {finding: counts[finding] for finding in Finding},
            now,
        )
        assert actor.id is not None
        digest = hashlib.sha256(content).digest()
        store.add(session, made, made_by=actor.id, digest=digest)
        store.add_lines(session, made.id, pairs)
        audit.record(
            session,
            actor=actor,
            action="till_file.compared",
            object_type="matching",
            object_id=str(made.id),
            now=now,
            detail={"sha256": digest.hex(), "lines": len(pairs), "open": made.open},
        )
    return made


def matchings(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Matching]:
    """The shop's comparisons, newest first. Raises NotAllowed, CursorInvalid."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        where = [MatchingRow.shop_id == shop_of(session, actor)]
        if after is not None:
            at, id = after
            where.append(
                (MatchingRow.occurred_at < at)
                | ((MatchingRow.occurred_at == at) & (MatchingRow.id < id))
            )
        found = store.matchings(session, *where, limit=limit + 1)
    items = found[:limit]
    if len(found) <= limit:
        return Page(items)
    return Page(items, encode_cursor(items[-1].made_at.isoformat(), items[-1].id))


def get(core: Core, *, actor: Actor, matching: MatchingId) -> Matching:
    """One comparison of the shop. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        return _mine(session, actor, matching)


def lines(
    core: Core,
    *,
    actor: Actor,
    matching: MatchingId,
    finding: Finding | None,
    cursor: str | None,
    limit: int,
) -> Page[MatchingLine]:
    """Lines of one finding, or all that did not match, in the order of the file.

    Raises NotAllowed, NoSuchThing, CursorInvalid.
    """
    after = 0 if cursor is None else decode_cursor(cursor, 1)[0]
    if type(after) is not int:
        raise CursorInvalid
    row = MatchingLineRow
    wanted = row.finding == finding if finding else row.finding != Finding.MATCHED
    with core.transaction() as session:
        _mine(session, actor, matching)
        where = (row.matching_id == matching, wanted, row.place > after)
        found = list(store.lines(session, *where, limit=limit + 1))
    items = [line for _, line in found[:limit]]
    if len(found) <= limit:
        return Page(items)
    return Page(items, encode_cursor(found[limit - 1][0]))


def export(
    core: Core,
    *,
    actor: Actor,
    matching: MatchingId,
    write: Callable[[Matching, Iterator[MatchingLine]], None],
) -> None:
    """Hand a comparison and each of its lines to a writer, a part at a time.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        found = _mine(session, actor, matching)
        rows = store.lines(session, MatchingLineRow.matching_id == matching)
        write(found, (line for _, line in rows))


def line(session: Session, *, shop: ShopId, line: MatchingLineId) -> MatchingLine:
    """One line of a comparison of that shop. Raises NoSuchThing."""
    mine = MatchingLineRow.matching_id == MatchingRow.id, MatchingRow.shop_id == shop
    found = next(store.lines(session, MatchingLineRow.id == line, *mine), None)
    if found is None:
        raise NoSuchThing
    return found[1]


def order_reference(session: Session, *, shop: ShopId, redemption: RedemptionId) -> str:
    """What a shop calls one of its orders. Raises NoSuchThing."""
    found = store.order_reference(session, shop=shop, redemption=redemption)
    if found is None:
        raise NoSuchThing
    return found


def shop_of(session: Session, actor: Actor) -> ShopId:
    """The shop whose books a manager keeps. Raises NotAllowed for everybody else."""
    if actor.kind is not ActorKind.CASHIER or actor.id is None or not actor.has(Role.MANAGER):
        raise NotAllowed
    return merchants.till(session, cashier=CashierId(actor.id)).shop_id


def _mine(session: Session, actor: Actor, matching: MatchingId) -> Matching:
    mine = MatchingRow.id == matching, MatchingRow.shop_id == shop_of(session, actor)
    found = store.matchings(session, *mine, limit=1)
    if not found:
        raise NoSuchThing
    return found[0]


def _days(
    theirs: list[Theirs], first: date | None, last: date | None, *, today: date
) -> tuple[date, date]:
    named = [one.day for one in theirs if one.day is not None]
    begins = first or min(named, default=last or today)
    return begins, max(begins, last or max(named, default=begins))
