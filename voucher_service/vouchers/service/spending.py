"""The steps that spend a voucher, set it aside for an order, let it go, and give its value back.

Each is a compare-and-set: of two that come at once the second one finds the voucher changed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.audit.service import Move
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import VoucherId
from voucher_service.kernel.money import Money

from .. import store
from ..model import LIFECYCLE, Event, Status, Voucher
from ..tables import VoucherRow


@dataclass(frozen=True, slots=True)
class Spend:
    """So much of a voucher, by whom. `whole`: afterwards it is used up, whatever is left of it."""

    voucher: Voucher
    amount: Money
    whole: bool
    actor: Actor


def by_code_refs(session: Session, *, code_refs: Collection[int]) -> dict[int, Voucher]:
    """The vouchers that codes name, by code reference."""
    if not code_refs:
        return {}
    found = store.vouchers(session, VoucherRow.code_ref.in_(code_refs))
    return {one.code_ref: one for one in found}


def by_ids(session: Session, *, ids: Collection[VoucherId]) -> dict[VoucherId, Voucher]:
    """Vouchers by id."""
    return {one.id: one for one in store.vouchers(session, VoucherRow.id.in_(ids))}


def spend(session: Session, *, spends: Sequence[Spend], now: datetime) -> None:
    """Spend vouchers that are claimed and valid now, or frozen before.

    Raises OvertakenByAnother when one of them is no longer as it was read.
    """
    for (current, whole), group in groupby(sorted(spends, key=_state), key=_state):
        all_ = list(group)
        known = {str(one.voucher.id): one.voucher.spent.fen for one in all_}
        after = {str(one.voucher.id): (one.voucher.spent + one.amount).fen for one in all_}
        also = [VoucherRow.spent_fen == _told("known", known)]
        if current is Status.CLAIMED:
            also.append(VoucherRow.valid_until > now)
        audit.transition_all(
            session,
            VoucherRow,
            moves=[Move(one.voucher.id, one.actor) for one in all_],
            current=Status(current),
            lifecycle=LIFECYCLE,
            event=Event.REDEEMED if whole else Event.PARTLY_SPENT,
            now=now,
            also=also,
            set_={"spent_fen": _told("after", after)},
        )


def hold(session: Session, *, vouchers: Sequence[tuple[Voucher, Actor]], now: datetime) -> None:
    """Set vouchers aside for an order. Raises OvertakenByAnother."""
    known = {str(one.id): one.spent.fen for one, _ in vouchers}
    audit.transition_all(
        session,
        VoucherRow,
        moves=[Move(one.id, actor) for one, actor in vouchers],
        current=Status.CLAIMED,
        lifecycle=LIFECYCLE,
        event=Event.FROZEN,
        now=now,
        also=[VoucherRow.valid_until > now, VoucherRow.spent_fen == _told("known", known)],
    )


def release(session: Session, *, voucher: VoucherId, actor: Actor, now: datetime) -> None:
    """Let a frozen voucher go. Raises OvertakenByAnother."""
    audit.transition(
        session,
        VoucherRow,
        id=voucher,
        current=Status.FROZEN,
        lifecycle=LIFECYCLE,
        event=Event.RELEASED,
        actor=actor,
        now=now,
    )


def revive(
    session: Session,
    *,
    voucher: VoucherId,
    amount: Money,
    actor: Actor,
    now: datetime,
    valid_from: datetime | None = None,
) -> Voucher:
    """Give back what an order took of a voucher: it can be spent again, unless it has expired; not
    before `valid_from`, where that is told.

    The voucher as it was before. Raises IllegalTransition when it was returned.
    """
    locked = select(VoucherRow.id).where(VoucherRow.id == voucher).with_for_update()
    session.execute(locked)
    (before,) = store.vouchers(session, VoucherRow.id == voucher)
    audit.transition(
        session,
        VoucherRow,
        id=voucher,
        current=before.status,
        lifecycle=LIFECYCLE,
        event=Event.REVIVED,
        actor=actor,
        now=now,
        set_={"spent_fen": before.spent - amount, "valid_from": valid_from or before.valid_from},
        detail={"amount_fen": amount.fen},
    )
    return before


def _state(one: Spend) -> tuple[str, bool]:
    return one.voucher.status, one.whole


def _told(name: str, fen: dict[str, int]) -> ColumnElement[Any]:
    """Each voucher's own sum, told to a statement about several of them."""
    sums = cast(bindparam(name, json.dumps(fen), type_=Text), JSONB)
    return cast(func.jsonb_extract_path_text(sums, cast(VoucherRow.id, Text)), BigInteger)
