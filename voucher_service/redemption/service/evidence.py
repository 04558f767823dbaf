"""Refused attempts are kept: evidence, and what the lock against guessing counts. A holder whom a
till refused for want of money is put first in the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.infra.core import core_of
from voucher_service.kernel.errors import DomainError, Unauthenticated
from voucher_service.merchants import service as merchants
from voucher_service.tradein.sales.model import SubsidyShort
from voucher_service.tradein.service import using
from voucher_service.vouchers import service as vouchers

from .. import store
from ..model import TillLocked
from .asking import read_code
from .granted import Ask
from .standing import cashier_of


def keep(session: Session, refused: Sequence[tuple[Ask, DomainError]], now: datetime) -> None:
    """Append refused attempts; not those that only came at a bad moment.

    A holder for whom a pool's money was short stands first in its line from now on.
    """
    kept = [
        (ask, refusal)
        for ask, refusal in refused
        if isinstance(refusal, TillLocked)
        or not (refusal.retryable or isinstance(refusal, Unauthenticated))
    ]
    if not kept:
        return
    tills = merchants.tills(session, cashiers={cashier_of(ask.actor) for ask, _ in kept})
    core = core_of(session)
    reads = [read_code(core, session, ask.code, now) for ask, _ in kept]
    refs = {one.code_ref for one in reads if one}
    known = vouchers.by_code_refs(session, code_refs=refs)
    others = using.by_code_refs(session, code_refs=refs - known.keys())
    rows = []
    for (ask, refusal), read in zip(kept, reads, strict=True):
        till = tills.get(cashier_of(ask.actor))
        voucher = known.get(read.code_ref) if read else None
        qualification = others.get(read.code_ref) if read else None
        if till is None:
            continue
        if qualification is not None and isinstance(refusal, SubsidyShort):
            using.put_first(session, qualification=qualification, actor=ask.actor, now=now)
        rows.append(
            {
                "shop_id": till.shop_id,
                "cashier_id": till.cashier_id,
                "voucher_id": voucher.id if voucher else None,
                "qualification_id": qualification.id if qualification else None,
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
