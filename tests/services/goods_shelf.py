"""Products, tables of them, and a library with a few, through the real services."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date

from stdnum import ean

from tests.make import World
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval, Status
from voucher_service.goods import service as goods
from voucher_service.goods.categories import Category
from voucher_service.goods.model import LibraryChange, Product
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.ids import CashierId, MerchantId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till

HEAD = "商品条码,品牌,型号,品类,能效等级,双IMEI,指导价,从哪天起,到哪天止"
_numbers = itertools.count(1)


def new_gtin() -> str:
    """A GTIN that no other test has."""
    body = f"699{next(_numbers):09d}"
    return f"0{body}{ean.calc_check_digit(body)}"


def line(
    gtin: str,
    *,
    model: str = "LS-500",
    category: Category = Category.REFRIGERATOR,
    grade: int | str = 1,
    dual: str = "",
    guide: str = "",
    first: date | str = "",
    last: date | str = "",
) -> str:
    """One line of a table."""
    return f"{gtin},澜山,{model},{category},{grade},{dual},{guide},{first},{last}"


def table(lines: Iterable[str]) -> bytes:
    """A table as staff hand it in."""
    return "\n".join([HEAD, *lines]).encode()


def proposed(core: Core, planner: Actor, *lines: str) -> tuple[LibraryChange, Approval]:
    """A change that was handed in, and its proposal."""
    made = goods.propose(core, actor=planner, file_name="goods.csv", content=table(lines))
    found = approvals.latest(core, actor=planner, about=made.id, status=Status.WAITING)
    assert found is not None
    return made, found


def stocked(world: World, *lines: str, core: Core | None = None) -> None:
    """Lines that stand in the library."""
    on = core or world.core
    _, proposal = proposed(on, world.planner, *lines)
    approvals.approve(on, actor=world.approver, approval=proposal.id)


def on_day(core: Core, gtin: str, day: date) -> Product | None:
    """The product as it stood on a day."""
    with core.transaction() as session:
        return goods.product(session, gtin=gtin, on=day)


def filed_on(core: Core, merchant: MerchantId, gtin: str, day: date) -> Money | None:
    """The price that was promised for a day."""
    with core.transaction() as session:
        return goods.filed_price(session, merchant=merchant, gtin=gtin, on=day)


def till_of(core: Core, actor: Actor) -> Till:
    """Where a cashier or manager works."""
    assert actor.kind is ActorKind.CASHIER and actor.id is not None
    with core.transaction() as session:
        return merchants.till(session, cashier=CashierId(actor.id))
