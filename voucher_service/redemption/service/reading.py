"""Look redemptions up: one, those of an order, a day of a shop, where a voucher was spent."""

from __future__ import annotations

from datetime import date, datetime

from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import end_of, start_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId, VoucherId
from voucher_service.kernel.page import Page, cut, decode_moment
from voucher_service.merchants import service as merchants
from voucher_service.stops import service as stops
from voucher_service.stops.model import What
from voucher_service.tradein import service as tradein
from voucher_service.tradein.qualifications import QualificationId
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import Code
from voucher_service.vouchers.model import Voucher, VoucherNotUsable

from .. import store
from ..judging import reaches
from ..model import Redemption, Status, Summary, Tombstone
from ..tables import RedemptionRow
from .lapsing import lapse_of
from .standing import cashier_of


def by_order_reference(core: Core, *, actor: Actor, reference: str) -> list[Redemption]:
    """What became of an order of this shop: nothing, or its redemption."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        return store.redemptions(
            session,
            RedemptionRow.shop_id == till.shop_id,
            RedemptionRow.order_reference == reference,
        )


def order_state(core: Core, *, actor: Actor, reference: str) -> list[Redemption | Tombstone]:
    """As `by_order_reference`, and the tombstone of an order that was reversed before it came."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        of_order = (
            RedemptionRow.shop_id == till.shop_id,
            RedemptionRow.order_reference == reference,
        )
        row = store.row(session, *of_order)
        if row is not None and row.status is Status.REFUSED:
            return [store.tombstone_of(row)]
        return [*store.redemptions(session, *of_order)]


def on_screen(core: Core, *, actor: Actor, voucher: VoucherId) -> Redemption | None:
    """The latest redemption of a resident's own voucher, whatever became of it: what their phone
    shows while they stand at the till. Ends a freeze whose time is over. Raises NoSuchThing.
    """
    vouchers.get(core, actor=actor, voucher=voucher)
    with core.transaction() as session:
        lapse_of(core, session, voucher)
        found = store.redemptions(session, RedemptionRow.voucher_id == voucher, limit=1)
    return found[0] if found else None


def sale_on_screen(
    core: Core, *, actor: Actor, qualification: QualificationId
) -> Redemption | None:
    """As `on_screen`, of a resident's own qualification. Raises NoSuchThing."""
    tradein.get(core, actor=actor, qualification=qualification)
    with core.transaction() as session:
        lapse_of(core, session, qualification)
        mine = RedemptionRow.qualification_id == qualification
        found = store.redemptions(session, mine, limit=1)
    return found[0] if found else None


def codes(
    core: Core, *, actor: Actor, voucher: VoucherId, count: int = 1
) -> tuple[Voucher, datetime, list[Code]]:
    """As `vouchers.codes`, of a voucher too whose freeze is over, which ends here."""
    try:
        return vouchers.codes(core, actor=actor, voucher=voucher, count=count)
    except VoucherNotUsable:
        with core.transaction() as session:
            if not lapse_of(core, session, voucher):
                raise
    return vouchers.codes(core, actor=actor, voucher=voucher, count=count)


def get(core: Core, *, actor: Actor, redemption: RedemptionId) -> Redemption:
    """One redemption of this cashier's shop. Raises NoSuchThing, for another shop's too."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        found = store.redemptions(
            session, RedemptionRow.id == redemption, RedemptionRow.shop_id == till.shop_id
        )
    if not found:
        raise NoSuchThing
    return found[0]


def stopped(core: Core, *, offer: Offer) -> bool:
    """Whether redemptions of an offer are stopped for now."""
    with core.transaction() as session:
        found = stops.in_force(session, what=What.REDEMPTIONS)
    return reaches({one.subject_id for one in found}, offer)


def receipt(core: Core, *, actor: Actor, voucher: VoucherId) -> list[Redemption]:
    """Where a resident's own voucher was spent. Raises NoSuchThing."""
    vouchers.get(core, actor=actor, voucher=voucher)
    with core.transaction() as session:
        return store.redemptions(
            session,
            RedemptionRow.voucher_id == voucher,
            RedemptionRow.status == Status.COMMITTED,
        )


def lines(
    core: Core, *, actor: Actor, day: date, cursor: str | None, limit: int
) -> Page[Redemption]:
    """A day of this cashier's shop, newest first."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        span = (start_of(day), end_of(day))
        found = store.redemptions(
            session, store.of_shop(till.shop_id, span, after), limit=limit + 1
        )
    return cut(found, limit, lambda one: (one.occurred_at, one.id))


def summary(core: Core, *, actor: Actor, day: date) -> Summary:
    """The totals of a day of this cashier's shop."""
    with core.transaction() as session:
        till = merchants.till(session, cashier=cashier_of(actor))
        return store.summary(session, shop=till.shop_id, span=(start_of(day), end_of(day)))
