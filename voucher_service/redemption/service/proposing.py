"""What a refund would do, decided with the redemption at hand and the voucher locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferStatus
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId, VoucherId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, pool
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till
from voucher_service.tradein import shelf
from voucher_service.tradein.qualifications import Qualification
from voucher_service.tradein.qualifications import Status as QualificationStatus
from voucher_service.tradein.revisions import service as revisions
from voucher_service.tradein.revisions.keeping import Lowered
from voucher_service.tradein.sales import service as sales
from voucher_service.tradein.service import using
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status as VoucherStatus
from voucher_service.vouchers.model import Voucher

from .. import refund_store, refunds
from ..model import Order, Status
from ..refunds import Bill, Fate, ManagerNeeded, NothingToRefund, Parts, SaleBill
from ..tables import RedemptionRow
from .selling import qualification_of
from .standing import cashier_of

_GIVES_BACK = frozenset({Fate.LIVES, Fate.LIVES_TOMORROW, Fate.RETURNED})


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a refund would give back to whom, and what would become of what the order was paid with.

    `left`: what of the order can be refunded at most. Afterwards the voucher or qualification can
    be used from `valid_from` to `valid_until`, if at all.
    """

    bill: Bill
    left: Money
    parts: Parts
    fate: Fate
    valid_from: datetime
    valid_until: datetime

    @property
    def refunded(self) -> Money:
        """What was refunded of the order before."""
        return self.bill.order - self.left

    @property
    def kept(self) -> Money:
        """What of the order is kept."""
        return self.left - self.parts.amount


@dataclass(frozen=True, slots=True)
class VoucherProposal(Proposal):
    """A refund of an order with a voucher: `voucher` as it is before; `back`: what comes back of it
    if it lives or is returned.
    """

    voucher: Voucher
    back: Money

    @property
    def spent_less(self) -> Money:
        """How much less of the voucher is spent afterwards."""
        return self.back if self.fate in _GIVES_BACK else ZERO

    @property
    def worth_again(self) -> Money:
        """How much more the voucher is worth afterwards."""
        if self.fate not in _GIVES_BACK:
            return ZERO
        return refunds.worth_again(self.voucher, self.back)

    @property
    def after(self) -> VoucherStatus:
        """Where the voucher stands afterwards."""
        if self.fate is Fate.RETURNED:
            return VoucherStatus.RETURNED
        lives = self.fate.reusable and self.voucher.status is VoucherStatus.REDEEMED
        return VoucherStatus.CLAIMED if lives else self.voucher.status


@dataclass(frozen=True, slots=True)
class SaleProposal(Proposal):
    """A refund of a subsidised unit: of the whole unit, or of a part of its price. `lowered`: what
    becomes of differences that a later policy would still pay.
    """

    bill: SaleBill
    qualification: Qualification
    lowered: Sequence[Lowered]

    @property
    def after(self) -> QualificationStatus:
        """Where the qualification stands afterwards."""
        if self.fate is Fate.PARTIAL:
            return QualificationStatus.USED
        lives = self.fate is Fate.LIVES
        return QualificationStatus.CLAIMED if lives else QualificationStatus.GIVEN_UP


def propose_refund(
    core: Core, *, actor: Actor, redemption: RedemptionId, amount: Money | None
) -> VoucherProposal | SaleProposal:
    """What `refund` would do now; all that is left of the order when no amount is named.

    Promises nothing. Raises what `refund` raises of the redemption and the amount.
    """
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        row = row_of(session, till, redemption)
        found = proposal(session, row, amount, core.now(session))
    check_size(core, actor, found.parts.amount)
    return found


def row_of(
    session: Session, till: Till, redemption: RedemptionId, *, lock: bool = False
) -> RedemptionRow:
    """A redemption of a till's shop. Raises NoSuchThing, for another shop's too."""
    where = (RedemptionRow.id == redemption, RedemptionRow.shop_id == till.shop_id)
    found = refund_store.rows(session, *where, lock=lock)
    if not found:
        raise NoSuchThing
    return found[0]


def check_size(core: Core, actor: Actor, amount: Money) -> None:
    """Raises ManagerNeeded when a refund is too large for who asks."""
    most = Money(core.settings.till.refund_manager_fen)
    if most and amount > most and not actor.has(Role.MANAGER):
        raise ManagerNeeded(most=most)


def proposal(
    session: Session, row: RedemptionRow, amount: Money | None, now: datetime
) -> VoucherProposal | SaleProposal:
    """The decision; the voucher and the lines behind its offer stay locked.

    No amount: all that is left. Raises NothingToRefund, RefundExceedsOrder, and of a unit
    UnitCameBack, DifferenceToReturn, DifferenceOnItsWay.
    """
    if row.status is not Status.COMMITTED:
        raise NothingToRefund
    if row.voucher_id is None:
        return _of_sale(session, row, amount, now)
    return _of_voucher(session, row, amount, now)


def _of_sale(
    session: Session, row: RedemptionRow, amount: Money | None, now: datetime
) -> SaleProposal:
    assert row.order_amount_fen and row.discount_fen and row.refunded_fen is not None
    id, found = RedemptionId(row.id), qualification_of(session, row)
    revisions.lock_sale(session, sale=id)
    budgets.lines(session, campaign=found.pool.offer.campaign_id, lock=True)
    sale = sales.sale(session, id=id)
    bill = SaleBill(
        found.pool.offer,
        row.order_amount_fen,
        row.discount_fen,
        refunds.other_payers(refund_store.discounts(row.discounts)),
        policy=shelf.policy(sale.policy_id),
        case=sale.case,
    )
    left = bill.order - row.refunded_fen
    parts = refunds.parts(bill, row.refunded_fen, left if amount is None else amount)
    refunds.check_kept_unit(
        bill.order,
        left,
        parts.amount,
        cut_bps=core_of(session).settings.till.unit_price_cut_bps,
    )
    fate, until = Fate.PARTIAL, found.valid_until
    if parts.amount == left:
        again = using.restored_until(found, now)
        fate, until = (Fate.LIVES, again) if again else (Fate.CLOSED, until)
    kept = left - parts.amount
    lowered = revisions.lowered(
        session,
        sale=id,
        case=replace(bill.case, price=kept) if kept else None,
        subsidy=refunds.kept_subsidy(bill, kept),
    )
    return SaleProposal(bill, left, parts, fate, found.claimed_at, until, found, lowered)


def _of_voucher(
    session: Session, row: RedemptionRow, amount: Money | None, now: datetime
) -> VoucherProposal:
    order, discount = row.order_amount_fen, row.discount_fen
    refunded, voucher_id = row.refunded_fen, row.voucher_id
    assert order is not None and discount is not None
    assert refunded is not None and voucher_id is not None
    voucher = vouchers.locked(session, voucher=VoucherId(voucher_id))
    # Under the lines' lock, under which money leaves the pool when a campaign is closed.
    budgets.lines(session, campaign=voucher.offer.campaign_id, lock=True)
    offer = campaigns.offer(session, offer=voucher.offer.id)
    voucher = replace(voucher, offer=offer)
    items = Order(order, row.order_reference, items=tuple(row.items or ()))
    bill = Bill(
        offer,
        order,
        discount,
        refunds.other_payers(refund_store.discounts(row.discounts)),
        order - items.eligible(offer.excluded_items),
    )
    left = order - refunded
    parts = refunds.parts(bill, refunded, left if amount is None else amount)
    whole = parts.amount == left
    taken = discount - refund_store.brought_back(session, RedemptionId(row.id))
    back = refunds.brings_back(offer, taken=taken, subsidy=parts.subsidy, whole=whole)
    fate = refunds.fate(
        offer.refund_rule,
        voucher,
        whole=whole,
        back=back,
        redeemed_at=row.occurred_at,
        now=now,
    )
    starts = refunds.tomorrow(now) if fate is Fate.LIVES_TOMORROW else voucher.valid_from
    until = voucher.valid_until
    found = VoucherProposal(bill, left, parts, fate, starts, until, voucher, back)
    more = found.worth_again - parts.subsidy
    if not (fate.reusable and more and offer.status is OfferStatus.CLOSED):
        return found
    # What the voucher was worth beyond what comes back now may have gone home with the campaign.
    there = ledger.balance(session, pool(offer.id, Stage.RESERVED))
    return found if there >= more else replace(found, fate=Fate.CLOSED)
