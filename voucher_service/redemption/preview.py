"""What a scanned voucher is worth at this till, before the order amount is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.money import ZERO, Money
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeInvalid
from voucher_service.vouchers.model import AlreadyRedeemed, IdLastFourNeeded, Status, Voucher

from .model import Order
from .service.asking import Ask, Granted, decide, spent_at, with_place
from .service.evidence import keep


@dataclass(frozen=True, slots=True)
class Preview:
    """A voucher that this till would take on an order that is large enough.

    `code_window` is the window of the code that was read: the match word is made of it.
    """

    voucher: Voucher
    code_window: int


def preview(core: Core, *, actor: Actor, code: str) -> Preview:
    """Read a code without spending anything: the till shows the voucher while the amount is typed.

    Promises nothing: `redeem` judges again. Raises what `redeem` raises of the shop, the code and
    the voucher, in the same order; a refusal is kept and counted as there, so that nobody learns by
    looking what they may not guess. Paper is not asked yet whose it is, but says that it was spent.
    """
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NoSuchThing
    large = Order(Money(core.settings.till.max_order_fen), reference=uuid4().hex)
    ask = Ask(actor, code, large, uuid4().hex)
    with core.transaction() as session:
        now = core.now(session)
        (decided,) = decide(core, session, [ask], now)
        if isinstance(decided, Granted):
            return Preview(decided.voucher, decided.read.window)
        if isinstance(decided, IdLastFourNeeded):
            shown = _on_paper(core, session, code, now)
            if shown.voucher.status is not Status.REDEEMED:
                return shown
            spent = spent_at(session, {shown.voucher.id})
            decided = with_place(AlreadyRedeemed(), spent.get(shown.voucher.id))
        assert isinstance(decided, DomainError)  # nobody asked under this reference before
        keep(session, [(replace(ask, order=Order(ZERO, reference="")), decided)], now)
    raise decided


def _on_paper(core: Core, session: Session, code: str, now: datetime) -> Preview:
    seconds = core.settings.till.code_window_seconds
    read = vouchers.read_code(
        session, keyring=core.keyring, text=code, now=now, window_seconds=seconds
    )
    voucher = vouchers.by_code_ref(session, code_ref=read.code_ref)
    if voucher is None:
        raise CodeInvalid
    return Preview(voucher, read.window)
