"""A finance officer, and orders of today that were paid through a channel."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.make import World
from tests.reconciliation.samples import written
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import CashierId, MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.reconciliation.differences import service, uploading
from voucher_service.reconciliation.differences.layout import Days, LineKind, Told
from voucher_service.reconciliation.differences.model import ChannelFile, Difference, Status
from voucher_service.redemption.model import Redemption

_numbers = count(1)


@pytest.fixture(autouse=True)
def a_city_without_payments(request: pytest.FixtureRequest) -> None:
    """Each test counts its own orders: a city's file would show those of the others too."""
    if "channel" not in request.fixturenames:
        return
    owner = request.getfixturevalue("owner")
    with owner.begin() as connection:
        connection.execute(text("UPDATE redemption SET payment_reference = NULL"))
        connection.execute(text("TRUNCATE difference_refund, difference_note, difference"))


@dataclass
class Channel:
    """WeChat's side of our orders: each order is paid there until a test says otherwise."""

    world: World
    offer: Offer
    cashier: Actor
    finance: Actor
    lines: list[Told] = field(default_factory=list)
    orders: list[Redemption] = field(default_factory=list)

    @property
    def core(self) -> Core:
        return self.world.core

    def reference(self) -> str:
        """A new number of a payment."""
        return f"42000{next(_numbers):023}"

    def order(self, *, paid: bool = True, reference: str | None = None) -> Redemption:
        """满100减20 spent on an order of 128.00, of which the customer paid 108.00."""
        number = reference or self.reference()
        made = self.world.redeem(
            self.world.claim(self.offer), self.cashier, payment_reference=number
        ).value
        self.orders.append(made)
        if paid:
            self.lines.append(self.line(number, 10_800))
        return made

    def line(self, reference: str, paid: int, *, days: int = 0, refund: bool = False) -> Told:
        """A line of the channel, now or some days away."""
        at = self.now() + timedelta(days=days)
        kind = LineKind.REFUND if refund else LineKind.PAYMENT
        return Told(0, kind, reference, at, day_of(at), None, None, paid)

    def merchant(self) -> MerchantId:
        """Whose shop it is."""
        with self.core.transaction() as session:
            return merchants.till(session, cashier=CashierId(self.cashier.id)).merchant_id

    def now(self) -> datetime:
        return self.world.now()

    def take(
        self,
        *lines: Told,
        actor: Actor | None = None,
        with_others: bool = False,
        format: str = "wechat",
        merchant: MerchantId | None = None,
        days: Days | None = None,
    ) -> ChannelFile:
        """Import these lines, or those that stand for our orders."""
        return service.take(
            self.core,
            actor=actor or self.finance,
            format=format,
            file_name="bill.csv",
            source=io.BytesIO(written(format, lines or self.lines)),
            with_others=with_others,
            merchant=merchant,
            days=days,
        )

    def today(self) -> Days:
        """What a file of today says of itself."""
        today = day_of(self.now())
        return Days(today, today)

    def differences(self, status: Status = Status.OPEN) -> list[Difference]:
        """The differences that stand so."""
        return list(
            service.differences(
                self.core,
                actor=self.finance,
                status=status,
                finding=None,
                file=None,
                cursor=None,
                limit=100,
            ).items
        )


@pytest.fixture
def channel(world: World) -> Callable[[], Channel]:
    """Makes a channel with an offer, a shop and a finance officer of its own."""
    finance = world.staff(Role.FINANCE)

    def made() -> Channel:
        offer = world.offer(world.plan(quota=20, limit=5))
        return Channel(world, offer, world.cashier(), finance)

    return made


@pytest.fixture
def stored(core: Core, tmp_path: Path) -> Core:
    """The core with a folder of uploads of its own, in which at most two files wait."""
    matching = replace(core.settings.matching, folder=str(tmp_path / "uploads"), most_waiting=2)
    other = with_clock(core, core.clock)
    object.__setattr__(other, "settings", replace(core.settings, matching=matching))
    while uploading.take_waiting(other):
        pass
    return other
