"""A counter where units are sold with qualifications: codes, units, and calls."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from stdnum import luhn

from tests.make import World
from tests.services.goods_shelf import line, stocked
from tests.tradein.town import Town
from voucher_service.goods.categories import Category
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Redemption
from voucher_service.redemption.refunds import Refund
from voucher_service.reports import verification
from voucher_service.tradein import service as tradein
from voucher_service.tradein.qualifications import Pool, Qualification
from voucher_service.vouchers import code as codes

_numbers = itertools.count(1)
PHONE_GTIN, TABLET_GTIN, DUAL_GTIN = (f"69012345678{pair}" for pair in ("92", "09", "16"))


def known_goods(town: Town) -> None:
    """A library of one phone, one tablet, and a phone with two IMEIs."""
    stocked(
        town.world,
        line(PHONE_GTIN, model="M1", category=Category.PHONE, grade="", first="2026-01-01"),
        line(TABLET_GTIN, model="T1", category=Category.TABLET, grade="", first="2026-01-01"),
        line(
            DUAL_GTIN, model="M2", category=Category.PHONE, grade="", dual="是", first="2026-01-01"
        ),
    )


def imei() -> str:
    """A device's number that nobody had before."""
    body = f"86{next(_numbers):012d}"
    return body + luhn.calc_check_digit(body)


def unit(**changes: Any) -> dict[str, Any]:
    """A phone for 3,000 yuan whose numbers nobody had before."""
    number = next(_numbers)
    usual = {
        "gtin": PHONE_GTIN,
        "serial": f"SN{number:08d}",
        "imei1": imei(),
        "price_fen": 300_000,
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def code_of(world: World, qualification: Qualification) -> str:
    """A fresh code of a qualification."""
    seconds = world.core.settings.till.code_window_seconds
    return codes.make(
        world.core.keyring,
        code_ref=qualification.code_ref,
        window=codes.window_of(world.now(), seconds),
        window_seconds=seconds,
    ).text


@dataclass
class Counter:
    """A till of a shop, and the pool that its customers claim from."""

    town: Town
    pool: Pool
    till: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.till = self.town.world.cashier()

    def order(self, item: dict[str, Any] | None = None, **told: Any) -> Order:
        """An order of one unit."""
        item = item or unit()
        usual = {"amount": Money(item["price_fen"]), "reference": uuid4().hex, "items": (item,)}
        return Order(**(usual | told))

    def freeze(
        self,
        qualification: Qualification | None = None,
        item: dict[str, Any] | None = None,
        *,
        till: Actor | None = None,
        **told: Any,
    ) -> Redemption:
        """The first of two steps."""
        return redemption.freeze(
            self.town.core,
            actor=till or self.till,
            code=code_of(self.town.world, qualification or self.town.claim()),
            order=self.order(item, **told),
            key=uuid4().hex,
        ).value

    def sell(
        self,
        qualification: Qualification | None = None,
        item: dict[str, Any] | None = None,
        **told: Any,
    ) -> Redemption:
        """The one step."""
        return redemption.redeem(
            self.town.core,
            actor=self.till,
            code=code_of(self.town.world, qualification or self.town.claim()),
            order=self.order(item, **told),
            key=uuid4().hex,
        ).value

    def commit(self, frozen: Redemption) -> Redemption:
        """The second step."""
        return redemption.commit(
            self.town.core, actor=self.till, redemption=frozen.id, key=uuid4().hex
        ).value

    def cancel(self, frozen: Redemption) -> None:
        """The customer does not pay."""
        redemption.cancel(self.town.core, actor=self.till, redemption=frozen.id, key=uuid4().hex)

    def reverse(self, done: Redemption) -> None:
        """Take an order back, as if nothing had happened."""
        redemption.reverse(
            self.town.core,
            actor=self.till,
            reference=done.order_reference,
            reason="mistake",
            key=uuid4().hex,
        )

    def refund(self, done: Redemption, fen: int) -> Refund:
        """Give back so much of the price."""
        return redemption.refund(
            self.town.core,
            actor=self.till,
            redemption=done.id,
            amount=Money(fen),
            reason="returned",
            key=uuid4().hex,
        ).value

    def money(self) -> tuple[int, int, int]:
        """What the pool has reserved, frozen and committed, in fen."""
        core, offer = self.town.core, self.pool.offer.id
        names = [account(offer, one) for one in (Stage.RESERVED, Stage.FROZEN, Stage.COMMITTED)]
        with core.transaction() as session:
            found = ledger.balances(session, names)
        reserved, frozen, committed = (found[name].fen for name in names)
        return reserved, frozen, committed

    def standing(self, qualification: Qualification) -> str:
        """Where a qualification stands."""
        holder = Actor(ActorKind.RESIDENT, qualification.resident_id)
        found = tradein.get(self.town.core, actor=holder, qualification=qualification.id)
        return str(found.status)

    def clean(self) -> None:
        """The books agree; but the clock of a test is none of the servers'."""
        found = verification.verify(self.town.core).breaches
        # Some of these tests set the phase of redemptions without a batch (S3).
        assert [one for one in found if one.invariant[:2] not in ("T1", "S3")] == []
