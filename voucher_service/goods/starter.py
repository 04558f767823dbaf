"""A library to begin with: invented products of every category, and a merchant's prices for them.

For demonstrations; the brands are nobody's.
"""

from __future__ import annotations

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Status
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.money import Bps, Rounding
from voucher_service.settings import CONFIG

from . import reading, service

TABLE = CONFIG / "goods" / "starter.csv"
_PROMISED = Bps(9_500)  # of the guide price


def load(core: Core, *, planner: Actor, approver: Actor, merchant: MerchantId) -> None:
    """Put the products into an empty library and file the merchant's prices, from today on.

    A library that holds anything is left alone.
    """
    with core.transaction() as session:
        if service.holds_any(session):
            return
    content = TABLE.read_bytes()
    made = service.propose(core, actor=planner, file_name=TABLE.name, content=content)
    waiting = approvals.latest(core, actor=planner, about=made.id, status=Status.WAITING)
    assert waiting is not None
    approvals.approve(core, actor=approver, approval=waiting.id)
    products = [one.product for one in reading.products(content)]
    with core.transaction() as session:
        now = core.now(session)
        service.promise_from(
            session,
            merchant=merchant,
            prices={
                one.gtin: one.guide_price.share(_PROMISED, Rounding.DOWN)
                for one in products
                if one.guide_price is not None
            },
            valid_from=day_of(now),
            actor=SYSTEM,
            now=now,
        )
