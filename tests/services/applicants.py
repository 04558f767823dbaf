"""Whoever applies to become a merchant, as far as a test wants them to have come."""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random
from uuid import uuid4

from PIL import Image

from tests.make import JIANGCHENG, World
from voucher_service.infra import files
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.ids import ApprovalId, MerchantId
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.merchants.onboarding import (
    COMMITMENT,
    DocumentKind,
    MerchantApplication,
    MerchantApplicationId,
    PlannedShop,
)
from voucher_service.merchants.place import Position, typed
from voucher_service.merchants.service import applying, reviewing
from voucher_service.replay.strangers import credit_code

PASSWORD = "a long first password"
MOBILE = "13812345678"
OPERATOR = "林秀英"
CORPORATE = "4405016200011234"
CARD = "6228480000000000000"


@dataclass(frozen=True)
class Applicant:
    """Somebody who applies: how they sign in, as whom they act, what their licence says."""

    username: str
    actor: Actor
    name: str
    uscc: str

    @property
    def manager(self) -> Actor:
        """The same person once the merchant was admitted."""
        return Actor(ActorKind.CASHIER, self.actor.id, frozenset({Role.MANAGER}), JIANGCHENG)


def applicant(core: Core, *, uscc: str | None = None) -> Applicant:
    """Somebody with an account and an empty application."""
    username = f"shop-{uuid4().hex[:10]}"
    id = applying.begin(core, username=username, password=PASSWORD, mobile=MOBILE)
    name = f"阳江秀英海味店{username[-4:]}"
    actor = Actor(ActorKind.CASHIER, id)
    return Applicant(username, actor, name, uscc or credit_code(Random()))


def planned_shop(area: str = JIANGCHENG) -> PlannedShop:
    """A shop with opening hours and a position."""
    return PlannedShop(
        name="秀英海味 南恩路店",
        area=area,
        trade=Trade.RETAIL,
        address="南恩路 18 号",
        hours=typed("9:00-22:00", {}),
        position=Position(21.8579, 111.9825),
    )


def photo(size: tuple[int, int] = (60, 40), form: str = "JPEG") -> bytes:
    """A picture as a phone makes it, with a note of what made it."""
    notes = Image.Exif()
    notes[0x010F] = "camera of somebody"
    made = io.BytesIO()
    Image.new("RGB", size, (120, 60, 20)).save(made, form, exif=notes)
    return made.getvalue()


def filled(core: Core, *, area: str = JIANGCHENG) -> Applicant:
    """Somebody who filled everything in and has not agreed yet."""
    who = applicant(core)
    applying.save_business(
        core,
        actor=who.actor,
        name=who.name,
        uscc=who.uscc,
        size_class=SizeClass.SMALL,
        legal_person=OPERATOR,
    )
    applying.add_shop(core, actor=who.actor, shop=planned_shop(area))
    applying.save_account(
        core,
        actor=who.actor,
        kind=AccountKind.CORPORATE,
        name=who.name,
        number=CORPORATE,
        bank="中国银行阳江分行",
    )
    for kind in DocumentKind:
        content = files.clean(photo(), most_bytes=1_000_000)
        applying.hand_in(core, actor=who.actor, kind=kind, content=content)
    return who


def submitted(core: Core, *, area: str = JIANGCHENG) -> tuple[Applicant, MerchantApplication]:
    """Somebody who handed everything in, and the application."""
    who = filled(core, area=area)
    return who, applying.submit(core, actor=who.actor, commitment=COMMITMENT)


def proposed(
    world: World, reviewer: Actor | None = None, *, area: str = JIANGCHENG
) -> tuple[Applicant, MerchantApplicationId, ApprovalId]:
    """An application that was checked and waits for the city."""
    who, found = submitted(world.core, area=area)
    checker = reviewer or world.staff(Role.REVIEWER, area=area)
    return who, found.id, reviewing.precheck(world.core, actor=checker, application=found.id)


def admitted(world: World, *, area: str = JIANGCHENG) -> tuple[Applicant, MerchantId]:
    """Somebody who became the manager of a merchant, and the merchant."""
    who, _, proposal = proposed(world, area=area)
    world.approve(proposal)
    merchant = applying.mine(world.core, actor=who.manager).merchant_id
    assert merchant is not None
    return who, merchant
