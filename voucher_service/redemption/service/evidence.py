"""Refused attempts are kept: evidence, and what the lock against guessing counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.infra.core import core_of
from voucher_service.kernel.errors import DomainError, Unauthenticated
from voucher_service.merchants import service as merchants
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeInvalid

from .. import store
from ..model import TillLocked
from .asking import Ask
from .standing import cashier_of


def keep(session: Session, refused: Sequence[tuple[Ask, DomainError]], now: datetime) -> None:
    """Append refused attempts; not those that only came at a bad moment."""
    kept = [
        (ask, refusal)
        for ask, refusal in refused
        if isinstance(refusal, TillLocked)
        or not (refusal.retryable or isinstance(refusal, Unauthenticated))
    ]
    if not kept:
        return
    tills = merchants.tills(session, cashiers={cashier_of(ask.actor) for ask, _ in kept})
    refs = [_code_ref(session, ask.code, now) for ask, _ in kept]
    known = vouchers.by_code_refs(session, code_refs={one for one in refs if one is not None})
    rows = []
    for (ask, refusal), ref in zip(kept, refs, strict=True):
        till = tills.get(cashier_of(ask.actor))
        voucher = known.get(ref) if ref is not None else None
        if till is None:
            continue
        rows.append(
            {
                "shop_id": till.shop_id,
                "cashier_id": till.cashier_id,
                "voucher_id": voucher.id if voucher else None,
                "code": refusal.code,
                "order_reference": ask.order.reference,
                "order_amount_fen": ask.order.amount,
                "occurred_at": now,
                "address_prefix": ask.actor.evidence.address_prefix,
                "device_id": ask.actor.evidence.device_id,
                "agent_hash": ask.actor.evidence.agent_hash,
            }
        )
    store.insert_refusals(session, rows)


def _code_ref(session: Session, code: str, now: datetime) -> int | None:
    core = core_of(session)
    seconds = core.settings.till.code_window_seconds
    try:
        read = vouchers.read_code(
            session, keyring=core.keyring, text=code, now=now, window_seconds=seconds
        )
    except CodeInvalid:
        return None
    return read.code_ref
