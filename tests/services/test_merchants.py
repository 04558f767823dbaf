"""Merchants, shops and cashiers on a real PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from tests.people import newcomer
from voucher_service.identity import service as identity
from voucher_service.identity.documents import Document
from voucher_service.identity.documents import identity as identity_of
from voucher_service.identity.model import (
    PasswordTooShort,
    SignInRefused,
    TooManyRequests,
    UsernameTaken,
)
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId, MerchantId, ShopId, new_id
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.kernel.page import CursorInvalid
from voucher_service.merchants import model
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import (
    AreaUnknown,
    BusinessNameInvalid,
    Cashier,
    Merchant,
    Shop,
    ShopStatus,
    SizeClass,
    SyntheticShop,
    Till,
    Trade,
    UsccInvalid,
    UsccTaken,
)

NOON = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
ANY = random.Random()
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PASSWORD = "correct horse battery"
PLANNER = Actor(ActorKind.STAFF, new_id(), frozenset({Role.PLANNER}))
REVIEWER = Actor(ActorKind.STAFF, new_id(), frozenset({Role.REVIEWER}))


@pytest.fixture
def city(core: Core) -> Iterator[Core]:
    """A core whose clock stands at noon of the first of May."""
    made = Core(core.settings, Clock(NOON))
    yield made
    made.close()


def a_uscc() -> str:
    """A valid credit code nobody else in the suite has."""
    body = "91441702" + "".join(ANY.choice(ALPHABET) for _ in range(9))
    total = sum(ALPHABET.index(char) * pow(3, i, 31) for i, char in enumerate(body))
    return body + ALPHABET[-total % 31]


def a_login() -> str:
    """A username nobody else in the suite has."""
    return f"c-{new_id().hex[-20:]}"


def a_merchant(city: Core, name: str = "漠阳餐饮有限公司") -> Merchant:
    return merchants.create_merchant(
        city, actor=PLANNER, name=name, uscc=a_uscc(), size_class=SizeClass.ABOVE_QUOTA
    )


def a_shop(city: Core, merchant: Merchant | None = None, **changes: object) -> Shop:
    details: dict[str, object] = {
        "merchant": (merchant or a_merchant(city)).id,
        "name": "漠阳味道·东门店",
        "area": "441702",
        "trade": Trade.DINING,
        "address": "东门路1号",
        **changes,
    }
    return merchants.create_shop(city, actor=PLANNER, **details)  # type: ignore[arg-type]


def a_cashier(city: Core, shop: Shop | None = None, **changes: object) -> Cashier:
    details: dict[str, object] = {
        "shop": (shop or a_shop(city)).id,
        "username": a_login(),
        "password": PASSWORD,
        "display_name": "小张",
        **changes,
    }
    actor = details.pop("actor", PLANNER)
    return merchants.create_cashier(city, actor=actor, **details)  # type: ignore[arg-type]


def till_of(city: Core, cashier: CashierId) -> Till:
    with city.transaction() as session:
        return merchants.till(session, cashier=cashier)


def test_a_till_knows_the_shop_and_the_merchant_in_one_statement(city: Core) -> None:
    merchant = a_merchant(city)
    shop = a_shop(city, merchant)
    cashier = a_cashier(city, shop)
    statements: list[str] = []
    event.listen(city.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert till_of(city, cashier.id) == Till(
        cashier_id=cashier.id,
        shop_id=shop.id,
        shop_name="漠阳味道·东门店",
        merchant_id=merchant.id,
        merchant_name="漠阳餐饮有限公司",
        area="441702",
        trade=Trade.DINING,
        size_class=SizeClass.ABOVE_QUOTA,
        merchant_active=True,
        shop_active=True,
        identity_hashes=frozenset(),
    )
    assert len(statements) == 1


def test_a_merchant_is_entered_once(city: Core) -> None:
    first = a_merchant(city)
    with pytest.raises(UsccTaken):
        merchants.create_merchant(
            city,
            actor=PLANNER,
            name="另一家",
            uscc=first.uscc.lower(),
            size_class=SizeClass.SMALL,
        )


def test_bad_names_codes_and_areas_are_refused(city: Core) -> None:
    merchant = a_merchant(city)
    with pytest.raises(BusinessNameInvalid):
        a_merchant(city, name="店😀")
    with pytest.raises(UsccInvalid):
        merchants.create_merchant(
            city, actor=PLANNER, name="店", uscc="1" * 18, size_class=SizeClass.SMALL
        )
    with pytest.raises(AreaUnknown):
        a_shop(city, merchant, area="999999")
    with pytest.raises(NoSuchThing):
        a_shop(city, replace(merchant, id=MerchantId(new_id())))


def test_a_planner_of_one_county_enters_no_shop_of_another(city: Core) -> None:
    merchant = a_merchant(city)
    county = replace(PLANNER, area="441721")
    with pytest.raises(NotAllowed):
        merchants.create_shop(
            city, actor=county, merchant=merchant.id, name="店", area="441702", trade=Trade.OTHER
        )
    assert merchants.create_shop(
        city, actor=county, merchant=merchant.id, name="店", area="441721", trade=Trade.OTHER
    )


@pytest.mark.parametrize(
    "actor",
    [
        Actor(ActorKind.RESIDENT, new_id()),
        Actor(ActorKind.STAFF, new_id(), frozenset({Role.AUDITOR})),
        Actor(ActorKind.CASHIER, new_id(), frozenset({Role.CASHIER})),
    ],
)
def test_others_enter_and_suspend_nothing(city: Core, actor: Actor) -> None:
    shop = a_shop(city)
    with pytest.raises(NotAllowed):
        merchants.create_merchant(
            city, actor=actor, name="店", uscc=a_uscc(), size_class=SizeClass.SMALL
        )
    with pytest.raises(NotAllowed):
        merchants.suspend_merchant(city, actor=actor, merchant=shop.merchant_id, reason="…")
    with pytest.raises(NotAllowed):
        a_cashier(city, shop, actor=actor)


def test_a_suspended_merchant_is_told_at_the_till_until_reinstated(city: Core) -> None:
    shop = a_shop(city)
    cashier = a_cashier(city, shop)
    merchants.suspend_merchant(city, actor=REVIEWER, merchant=shop.merchant_id, reason="套现")
    assert not till_of(city, cashier.id).merchant_active
    assert merchants.cashier_sign_in(city, username=cashier.username, password=PASSWORD)
    with pytest.raises(IllegalTransition):
        merchants.suspend_merchant(city, actor=REVIEWER, merchant=shop.merchant_id, reason="…")
    merchants.reinstate_merchant(city, actor=REVIEWER, merchant=shop.merchant_id, reason="查清")
    assert till_of(city, cashier.id).merchant_active


def test_a_closed_shop_stays_closed(city: Core) -> None:
    shop = a_shop(city)
    cashier = a_cashier(city, shop)
    closed = merchants.close_shop(city, actor=PLANNER, shop=shop.id, reason="停业")
    assert closed.status is ShopStatus.CLOSED
    assert not till_of(city, cashier.id).shop_active
    with pytest.raises(IllegalTransition):
        merchants.close_shop(city, actor=PLANNER, shop=shop.id, reason="停业")


def test_a_manager_opens_and_closes_accounts_of_the_own_merchant_only(city: Core) -> None:
    shop = a_shop(city)
    manager = a_cashier(city, shop, role=Role.MANAGER)
    actor = merchants.cashier_actor(city, manager.id)
    assert actor == Actor(ActorKind.CASHIER, manager.id, frozenset({Role.MANAGER}), "441702")
    sibling = a_cashier(city, shop, actor=actor)
    with pytest.raises(NoSuchThing):
        a_cashier(city, a_shop(city), actor=actor)
    merchants.close_cashier(city, actor=actor, cashier=sibling.id)
    assert merchants.cashier_actor(city, sibling.id) is None
    with pytest.raises(SignInRefused):
        merchants.cashier_sign_in(city, username=sibling.username, password=PASSWORD)
    with pytest.raises(NoSuchThing):
        till_of(city, sibling.id)


def test_usernames_are_unique_and_passwords_long(city: Core) -> None:
    cashier = a_cashier(city)
    with pytest.raises(UsernameTaken):
        a_cashier(city, username=cashier.username.upper())
    with pytest.raises(PasswordTooShort):
        a_cashier(city, password="short")


def test_ten_wrong_passwords_close_a_cashier_s_login(city: Core) -> None:
    login = a_cashier(city).username
    for _ in range(city.settings.sign_in.failures_per_quarter_hour):
        with pytest.raises(SignInRefused):
            merchants.cashier_sign_in(city, username=login, password="wrong")
    with pytest.raises(TooManyRequests):
        merchants.cashier_sign_in(city, username=login, password=PASSWORD)
    city.clock.set(NOON + timedelta(minutes=15))
    assert merchants.cashier_sign_in(city, username=login, password=PASSWORD)


def test_a_demonstration_cashier_is_nobody_in_production(city: Core) -> None:
    cashier = a_cashier(city, password="demo-only-cashier", demo=True)
    production = Core(replace(city.settings, env="production"), city.clock)
    assert merchants.cashier_sign_in(city, username=cashier.username, password="demo-only-cashier")
    with pytest.raises(SignInRefused):
        merchants.cashier_sign_in(
            production, username=cashier.username, password="demo-only-cashier"
        )
    assert merchants.cashier_actor(production, cashier.id) is None
    production.close()


def test_a_cashier_s_own_voucher_is_known_by_hash_also_after_a_change_of_keys(city: Core) -> None:
    person = newcomer()
    cashier = a_cashier(city, id_number=person.id_number.lower())
    (resident,) = identity.register_synthetic(city, people=[person], now=NOON)

    def own() -> bool:
        hashes = till_of(city, cashier.id).identity_hashes
        with city.transaction() as session:
            return identity.holds_identity(session, resident=resident, hashes=hashes)

    assert own()
    secrets = city.settings.secrets
    keys = replace(
        secrets,
        field_keys=f"2:new,{secrets.field_keys}",
        lookup_keys=f"2:new,{secrets.lookup_keys}",
    )
    both = Core(replace(city.settings, secrets=keys), city.clock)
    try:
        while merchants.rotate_fields(both, batch=50):
            pass
        newest = identity.identity_hashes(
            both.keyring, identity_of(Document.RESIDENT_ID, person.id_number)
        )
        assert till_of(city, cashier.id).identity_hashes == {keyed.digest for keyed in newest}
        assert own()
    finally:  # other tests may share this database
        back = replace(
            secrets,
            field_keys=f"{secrets.field_keys},2:new",
            lookup_keys=f"{secrets.lookup_keys},2:new",
        )
        again = Core(replace(city.settings, secrets=back), city.clock)
        while merchants.rotate_fields(again, batch=50):
            pass
        both.close()
        again.close()


def test_shops_of_a_scope_are_listed_page_by_page(city: Core) -> None:
    merchant = a_merchant(city)
    mark = a_login()
    for number in range(5):
        a_shop(city, merchant, name=f"{mark} {number}", trade=Trade.SPORTS, area="441781")
    a_shop(city, merchant, name=f"{mark} other area", trade=Trade.SPORTS, area="441702")
    a_shop(city, merchant, name=f"{mark} other trade", trade=Trade.FUEL, area="441781")
    gone = a_shop(city, merchant, name=f"{mark} closed", trade=Trade.SPORTS, area="441781")
    merchants.close_shop(city, actor=PLANNER, shop=gone.id, reason="停业")
    seen: list[str] = []
    cursor: str | None = None
    with city.transaction() as session:
        while True:
            page = merchants.shops_accepting(
                session, within=["441781"], trades=[Trade.SPORTS], cursor=cursor, limit=2
            )
            seen += [shop.name for shop in page.items if shop.name.startswith(mark)]
            cursor = page.next
            if cursor is None:
                break
        everywhere = merchants.shops_accepting(session, within=["4417"], limit=200)
        assert len(everywhere.items) >= 7
        with pytest.raises(CursorInvalid):
            merchants.shops_accepting(session, cursor="WyJhIiwgImIiXQ")
    assert seen == [f"{mark} {number}" for number in range(5)]


def synthetic(count: int, uscc: str | None = None) -> list[SyntheticShop]:
    return [
        SyntheticShop(
            merchant_name="漠阳味道餐饮",
            uscc=uscc or a_uscc(),
            size_class=SizeClass.BELOW_QUOTA,
            shop_name=f"漠阳味道·{number}号店",
            area="441704",
            trade=Trade.DINING,
        )
        for number in range(count)
    ]


def test_synthetic_shops_get_a_till_each_in_the_order_given(city: Core) -> None:
    chain, single = synthetic(3, a_uscc()), synthetic(1)
    tills = merchants.register_synthetic_shops(city, shops=[*chain, *single], now=NOON)
    assert len({till.merchant_id for till in tills[:3]}) == 1
    assert tills[3].merchant_id != tills[0].merchant_id
    for till, shop in zip(tills, [*chain, *single], strict=True):
        found = till_of(city, till.cashier_id)
        assert (found.shop_id, found.shop_name) == (till.shop_id, shop.shop_name)
    (again,) = merchants.register_synthetic_shops(city, shops=chain[:1], now=NOON)
    assert again.merchant_id == tills[0].merchant_id


def test_synthetic_cashiers_act_but_can_t_sign_in(city: Core) -> None:
    (till,) = merchants.register_synthetic_shops(city, shops=synthetic(1), now=NOON)
    assert merchants.cashier_actor(city, till.cashier_id) is not None
    with city.transaction() as session:
        cashier = merchants.load_cashier(session, cashier=till.cashier_id)
    for password in ("", "None", PASSWORD):
        with pytest.raises(SignInRefused):
            merchants.cashier_sign_in(city, username=cashier.username, password=password)


def test_what_does_not_exist_is_not_found(city: Core) -> None:
    with city.transaction() as session:
        with pytest.raises(NoSuchThing):
            merchants.load_shop(session, shop=ShopId(new_id()))
        with pytest.raises(NoSuchThing):
            merchants.load_merchant(session, merchant=MerchantId(new_id()))
    with pytest.raises(NoSuchThing):
        merchants.suspend_merchant(city, actor=SYSTEM, merchant=MerchantId(new_id()), reason="…")


def test_every_lifecycle_says_what_people_see_and_who_moves_it() -> None:
    for machine, public, owner in (
        (model.MERCHANT, model.MERCHANT_PUBLIC, model.MERCHANT_OWNER),
        (model.SHOP, model.SHOP_PUBLIC, model.SHOP_OWNER),
        (model.CASHIER, model.CASHIER_PUBLIC, model.CASHIER_OWNER),
    ):
        assert set(machine.table) == set(public) == set(owner)
