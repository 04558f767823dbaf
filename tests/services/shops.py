"""A merchant with two shops, its manager and its cashiers, and the sessions they work in."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

from sqlalchemy import text

from tests.make import JIANGCHENG, World
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.ids import CashierId, ShopId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Cashier, SizeClass, Trade
from voucher_service.merchants.stands import AtTill
from voucher_service.replay.strangers import credit_code
from voucher_service.web.auth import claims_of, issue
from voucher_service.web.face import Face

PASSWORD = "a long enough password"


@dataclass
class Chain:
    """A merchant with a main shop and a branch."""

    world: World
    main: ShopId = field(init=False)
    branch: ShopId = field(init=False)
    manager: Actor = field(init=False)

    def __post_init__(self) -> None:
        merchant = merchants.create_merchant(
            self.core,
            actor=SYSTEM,
            name="漠阳夜市有限公司",
            uscc=credit_code(Random()),
            size_class=SizeClass.SMALL,
        )
        self.main, self.branch = (
            merchants.create_shop(
                self.core,
                actor=SYSTEM,
                merchant=merchant.id,
                name=name,
                area=JIANGCHENG,
                trade=Trade.DINING,
            ).id
            for name in ("东门店", "西门店")
        )
        self.manager = self.actor(self.hire(Role.MANAGER))

    @property
    def core(self) -> Core:
        return self.world.core

    def hire(self, role: Role = Role.CASHIER, shop: ShopId | None = None) -> Cashier:
        """Somebody with `PASSWORD`."""
        return merchants.create_cashier(
            self.core,
            actor=SYSTEM,
            shop=shop or self.main,
            username=f"c-{uuid4().hex[:12]}",
            password=PASSWORD,
            display_name="小张",
            role=role,
        )

    def actor(self, person: Cashier) -> Actor:
        """Somebody as they act."""
        return Actor(ActorKind.CASHIER, person.id, frozenset({person.role}), JIANGCHENG)

    def session(self, who: Actor) -> UUID:
        """A new session of somebody, without a device."""
        assert who.id is not None
        token = issue(self.core, Face.MERCHANT, who.id).access_token
        return claims_of(self.core, Face.MERCHANT, token).session

    def at_till(self, who: Actor, session: UUID) -> AtTill | None:
        """What a request in a session would act as."""
        assert who.id is not None
        return merchants.cashier_at_till(self.core, subject=who.id, session=session)

    def cashier_id(self, who: Actor) -> CashierId:
        assert who.id is not None
        return CashierId(who.id)


def history(core: Core, id: object) -> list[str]:
    """What the record says of a thing."""
    with core.transaction() as session:
        found = session.execute(
            text("SELECT action FROM audit.event WHERE object_id = :id ORDER BY id"),
            {"id": str(id)},
        )
        return list(found.scalars())
