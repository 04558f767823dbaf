"""Post transfers, freeze and resolve, read balances and statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import CursorInvalid, Page, decode_cursor, encode_cursor

from . import marks, seals, store
from .model import Account, Code, FreezeResolved, Leg, Line, Stage, balanced, move, pool


def post(session: Session, *, code: Code, key: str, legs: Sequence[Leg], now: datetime) -> bool:
    """Append one transfer. False, and nothing changed, when its code and key were posted before.

    Leaves out legs of nothing. Raises ValueError when legs don't balance or name an account twice.
    """
    return bool(post_many(session, code=code, transfers={key: legs}, now=now))


def post_many(
    session: Session, *, code: Code, transfers: Mapping[str, Sequence[Leg]], now: datetime
) -> set[str]:
    """Append transfers of one code, legs by key; the keys of those that are new.

    Raises ValueError as `post` does.
    """
    keyring, at = core_of(session).keyring, seals.instant(now)
    sealed = []
    for key, all_legs in transfers.items():
        legs = [leg for leg in all_legs if leg.amount]
        if not legs:
            continue
        if not balanced(legs) or len({leg.account for leg in legs}) != len(legs):
            raise ValueError(f"unbalanced legs: {legs}")
        forms = (
            seals.form(code, key, at, len(legs), _name(leg.account), leg.amount.fen) for leg in legs
        )
        sealed.append(store.Sealed(key, legs, [keyring.seal(form) for form in forms]))
    return store.append(session, code=code, transfers=sealed, now=now) if sealed else set()


def freeze(
    session: Session,
    *,
    id: UUID,
    offer: UUID,
    amount: Money,
    now: datetime,
    source: Stage = Stage.OUTSTANDING,
) -> bool:
    """Set a redemption's money aside within its offer's pool. False when it was frozen before.

    `source`: where it stood, a voucher's outstanding, a qualification's reserved.
    """
    legs = move(amount, pool(offer, source), pool(offer, Stage.FROZEN))
    return post(session, code=Code.FROZEN, key=str(id), legs=legs, now=now)


def resolve(
    session: Session,
    *,
    id: UUID,
    commit: bool,
    now: datetime,
    unused: Money = ZERO,
    shop_area: str = "",
    source: Stage = Stage.OUTSTANDING,
) -> bool:
    """End a freeze: commit its money, or cancel, which gives it back to its source.

    `unused` is what a committed voucher was worth beyond that; it is reserved again. What is
    committed goes to the part of the pool for `shop_area`. False when the
    freeze ended this way before. Raises FreezeResolved when it ended the other way, NoSuchThing
    when nothing was frozen.
    """
    held = store.frozen(session, key=str(id))
    if held is None:
        raise NoSuchThing
    offer, amount = held
    code = Code.FREEZE_COMMITTED if commit else Code.FREEZE_CANCELLED
    legs = [
        Leg(pool(offer, Stage.FROZEN), -amount),
        Leg(pool(offer, Stage.COMMITTED, shop_area=shop_area), amount if commit else ZERO),
        Leg(pool(offer, source), -unused if commit else amount),
        *((Leg(pool(offer, Stage.RESERVED), unused),) if unused and commit else ()),
    ]
    if post(session, code=code, key=str(id), legs=legs, now=now):
        return True
    if store.resolution(session, key=str(id)) != code:
        raise FreezeResolved
    return False


def balance(session: Session, account: Account, *, at: datetime | None = None) -> Money:
    """The exact balance, now or at a past instant of business time."""
    return balances(session, [account], at=at)[account]


def balances(
    session: Session, accounts: Iterable[Account], *, at: datetime | None = None
) -> dict[Account, Money]:
    """Exact balances of some accounts, in time that doesn't grow with the book.

    An account never used is zero.
    """
    return store.balances(session, list(dict.fromkeys(accounts)), at)


def statement(
    session: Session,
    account: Account,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Line]:
    """What moved on an account within [since, until), newest first, with the balance after each.

    Raises CursorInvalid.
    """
    rows = store.lines(
        session, account, since=since, until=until, before=_before(cursor), limit=limit + 1
    )
    items: list[Line] = []
    for row in rows[:limit]:
        if items:
            held = items[-1].balance - items[-1].amount
        else:
            later = store.later_at_once(session, account, at=row.occurred_at, entry=row.id)
            held = balance(session, account, at=row.occurred_at) - later
        items.append(
            Line(
                row.id,
                row.transfer_id,
                row.code,
                row.key,
                row.occurred_at,
                Money(row.amount_fen),
                held,
            )
        )
    more = len(rows) > limit
    return Page(
        items, encode_cursor(items[-1].occurred_at.isoformat(), items[-1].entry) if more else None
    )


def mark_balances(core: Core) -> int:
    """Make marks of what was written since the last time; how many."""
    with core.transaction() as session:
        return marks.advance(session)


def tampered(core: Core, *, most: int) -> list[str]:
    """Transfers that are not as they were sealed, by name; at most that many.

    Reads the book in pieces, each in a transaction of its own: no snapshot is held for long.
    """
    with core.transaction() as session:
        end = seals.last(session)
    found: list[str] = []
    for after in range(0, end, seals.BATCH):
        with core.transaction() as session:
            until = min(after + seals.BATCH, end)
            found += seals.broken(session, core.keyring, after=after, until=until)
        if len(found) >= most:
            break
    return found[:most]


def _name(account: Account) -> str:
    return seals.name(account.owner, account.id, account.stage)


def _before(cursor: str | None) -> tuple[datetime, int] | None:
    if not cursor:
        return None
    at, entry = decode_cursor(cursor, 2)
    try:
        instant = datetime.fromisoformat(at)
    except (TypeError, ValueError):
        raise CursorInvalid from None
    if instant.tzinfo is None or type(entry) is not int or not 0 <= entry < 2**63:
        raise CursorInvalid
    return instant, entry
