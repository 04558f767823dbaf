"""What a code is worth at this till: before the order amount is known, and once all is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.money import ZERO, Money
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Qualification
from voucher_service.tradein.quote import Line
from voucher_service.tradein.sales.model import OneUnitPerSale
from voucher_service.tradein.sales.offering import Offered
from voucher_service.tradein.service import using
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeInvalid
from voucher_service.vouchers.model import AlreadyRedeemed, IdLastFourNeeded, Status, Voucher

from .model import Order
from .service.asking import decide, read_code, spent_at, with_place
from .service.evidence import keep
from .service.granted import Ask, Granted, GrantedSale


@dataclass(frozen=True, slots=True)
class Preview:
    """A voucher that this till would take on an order that is large enough.

    `code_window` is the window of the code that was read: the match word is made of it.
    """

    voucher: Voucher
    code_window: int


@dataclass(frozen=True, slots=True)
class SalePreview:
    """A qualification that this till would take for a unit of its category."""

    qualification: Qualification
    code_window: int


def preview(core: Core, *, actor: Actor, code: str) -> Preview | SalePreview:
    """Read a code without spending anything: the till shows the voucher while the amount is typed,
    or the qualification while the unit is.

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
        (decided,) = decide(core, session, [ask], now, holds=False)
        if isinstance(decided, Granted):
            return Preview(decided.voucher, decided.read.window)
        if isinstance(decided, OneUnitPerSale):
            # Nothing speaks against the qualification; there is no unit yet.
            return _of_sale(core, session, code, now)
        if isinstance(decided, IdLastFourNeeded):
            shown = _on_paper(core, session, code, now)
            if shown.voucher.status is not Status.REDEEMED:
                return shown
            spent = spent_at(session, {shown.voucher.id})
            decided = with_place(AlreadyRedeemed(), spent.get(shown.voucher.id))
        assert isinstance(decided, DomainError)  # nobody asked under this reference before
        keep(session, [(replace(ask, order=Order(ZERO, reference="")), decided)], now)
    raise decided


def quote(core: Core, *, actor: Actor, code: str, order: Order) -> Quoted:
    """What `freeze` would take off an order now, and how it comes about. Promises nothing.

    Raises what `freeze` raises of the code, the till and the order, in the same order; a refusal is
    kept and counted as there.
    """
    ask = Ask(actor, code, replace(order, reference=uuid4().hex), uuid4().hex)
    with core.transaction() as session:
        now = core.now(session)
        (decided,) = decide(core, session, [ask], now, holds=False)
        if isinstance(decided, Granted | GrantedSale):
            return Quoted(decided, order)
        assert isinstance(decided, DomainError)  # nobody asked under this reference before
        keep(session, [(replace(ask, order=order), decided)], now)
    raise decided


@dataclass(frozen=True, slots=True)
class Quoted:
    """An order as it would be frozen."""

    granted: Granted | GrantedSale
    order: Order

    @property
    def offer_title(self) -> str:
        """What the voucher or the qualification is of."""
        return self.granted.offer.title

    @property
    def discount(self) -> Money:
        """What comes off."""
        return self.granted.discount

    @property
    def payable(self) -> Money:
        """What the customer pays, before the discounts of bank and platform."""
        return self.order.amount - self.discount

    @property
    def paid(self) -> Money:
        """What the customer pays."""
        return self.payable - self.order.taken_off_later

    @property
    def sold(self) -> Offered | None:
        """The unit with its subsidy; None of a voucher."""
        return self.granted.offered if isinstance(self.granted, GrantedSale) else None

    @property
    def category(self) -> Category | None:
        """What is sold; None of a voucher."""
        return self.sold.case.category if self.sold else None

    @property
    def brand(self) -> str | None:
        """Who made it; None of a voucher."""
        return self.sold.product.brand if self.sold else None

    @property
    def model(self) -> str | None:
        """What its maker calls it; None of a voucher."""
        return self.sold.product.model if self.sold else None

    @property
    def policy(self) -> str | None:
        """Under which policy the subsidy comes about; None of a voucher."""
        policy = self.sold.quote.policy if self.sold else None
        return policy.id if policy else None

    @property
    def steps(self) -> tuple[Line, ...]:
        """How the subsidy comes about; nothing of a voucher."""
        return self.sold.quote.lines if self.sold else ()


def _on_paper(core: Core, session: Session, code: str, now: datetime) -> Preview:
    read = read_code(core, session, code, now)
    voucher = vouchers.by_code_ref(session, code_ref=read.code_ref) if read else None
    if read is None or voucher is None:
        raise CodeInvalid
    return Preview(voucher, read.window)


def _of_sale(core: Core, session: Session, code: str, now: datetime) -> SalePreview:
    read = read_code(core, session, code, now)
    assert read is not None  # it was judged
    (found,) = using.by_code_refs(session, code_refs={read.code_ref}).values()
    return SalePreview(found, read.window)
