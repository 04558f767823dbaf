"""The people of a merchant: seen, hired, moved and let go by its manager."""

from __future__ import annotations

import pytest

from tests.services.shops import PASSWORD, Chain, history
from voucher_service.identity.model import (
    PasswordTooShort,
    PasswordUnchanged,
    SignInRefused,
    TooManyRequests,
)
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CashierId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import CashierStatus
from voucher_service.merchants.service.machines import create_machine
from voucher_service.merchants.stands import (
    PointPlan,
)

NEW = "another long password"


def test_a_manager_sees_the_people_of_all_own_shops_page_by_page(
    chain: Chain, rival: Chain
) -> None:
    hired = {chain.hire().id, chain.hire(shop=chain.branch).id, chain.hire(Role.MANAGER).id}
    seen: list[CashierId] = []
    cursor = None
    while True:
        page = merchants.people(chain.core, actor=chain.manager, cursor=cursor, limit=2)
        seen += [one.cashier.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert hired <= set(seen) and len(seen) == len(set(seen))
    assert rival.manager.id not in seen
    at_branch = merchants.people(chain.core, actor=chain.manager, shop=chain.branch)
    assert {one.shop_name for one in at_branch.items} == {"西门店"}
    with pytest.raises(NoSuchThing):
        merchants.people(chain.core, actor=chain.manager, shop=rival.main)


def test_a_cashier_runs_no_desk(chain: Chain) -> None:
    cashier, core = chain.actor(chain.hire()), chain.core
    someone = chain.hire()
    for refused in (
        lambda: merchants.people(core, actor=cashier),
        lambda: merchants.own_shops(core, actor=cashier),
        lambda: merchants.devices(core, actor=cashier, cursor=None, limit=5),
        lambda: merchants.make_enrolment_code(core, actor=cashier, shop=chain.main),
        lambda: merchants.require_devices(core, actor=cashier, required=False),
        lambda: merchants.reset_password(core, actor=cashier, cashier=someone.id, password=NEW),
        lambda: merchants.move_cashier(core, actor=cashier, cashier=someone.id, shop=chain.branch),
        lambda: merchants.close_cashier(core, actor=cashier, cashier=someone.id),
        lambda: merchants.add_point(core, actor=cashier, shop=chain.main, plan=PointPlan("摊")),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_another_merchants_people_are_not_there(chain: Chain, rival: Chain) -> None:
    theirs, core, me = rival.hire(), chain.core, chain.manager
    for hidden in (
        lambda: merchants.person(core, actor=me, cashier=theirs.id),
        lambda: merchants.reset_password(core, actor=me, cashier=theirs.id, password=NEW),
        lambda: merchants.move_cashier(core, actor=me, cashier=theirs.id, shop=chain.main),
        lambda: merchants.close_cashier(core, actor=me, cashier=theirs.id),
        lambda: merchants.move_cashier(core, actor=me, cashier=chain.hire().id, shop=rival.main),
    ):
        with pytest.raises(NoSuchThing):
            hidden()


def test_a_new_password_ends_the_sessions_and_opens_new_ones(chain: Chain) -> None:
    person = chain.hire()
    who = chain.actor(person)
    session = chain.session(who)
    assert chain.at_till(who, session)
    merchants.reset_password(chain.core, actor=chain.manager, cashier=person.id, password=NEW)
    assert chain.at_till(who, session) is None
    with pytest.raises(SignInRefused):
        merchants.cashier_sign_in(chain.core, username=person.username, password=PASSWORD)
    assert merchants.cashier_sign_in(chain.core, username=person.username, password=NEW)
    assert history(chain.core, person.id)[:2] == ["cashier.created", "cashier.password_reset"]
    with pytest.raises(PasswordTooShort):
        merchants.reset_password(chain.core, actor=chain.manager, cashier=person.id, password="x")


def test_ones_own_password_asks_for_the_old_one_and_keeps_only_this_session(chain: Chain) -> None:
    who = chain.actor(chain.hire())
    here, elsewhere = chain.session(who), chain.session(who)

    def change(old: str, new: str) -> None:
        merchants.change_password(chain.core, actor=who, old=old, new=new, session=here)

    with pytest.raises(PasswordUnchanged):
        change("wrong", NEW)
    with pytest.raises(PasswordUnchanged):
        change(PASSWORD, PASSWORD)
    change(PASSWORD, NEW)
    assert chain.at_till(who, here) and chain.at_till(who, elsewhere) is None
    limit = chain.core.settings.sign_in.failures_per_quarter_hour
    for _ in range(limit):
        with pytest.raises(PasswordUnchanged):
            change("wrong", PASSWORD)
    with pytest.raises(TooManyRequests):
        change(NEW, PASSWORD)


def test_whoever_moves_works_at_the_other_shop_at_once(chain: Chain) -> None:
    person = chain.hire()
    with chain.core.transaction() as session:
        assert merchants.till(session, cashier=person.id).shop_id == chain.main
    moved = merchants.move_cashier(
        chain.core, actor=chain.manager, cashier=person.id, shop=chain.branch
    )
    assert moved.shop_name == "西门店"
    with chain.core.transaction() as session:
        assert merchants.till(session, cashier=person.id).shop_id == chain.branch
    assert "cashier.moved" in history(chain.core, person.id)


def test_a_closed_account_ends_its_sessions_and_nobody_closes_their_own(chain: Chain) -> None:
    person = chain.hire()
    who = chain.actor(person)
    session = chain.session(who)
    merchants.close_cashier(chain.core, actor=chain.manager, cashier=person.id)
    assert chain.at_till(who, session) is None
    closed = merchants.people(chain.core, actor=chain.manager, status=CashierStatus.CLOSED)
    assert person.id in {one.cashier.id for one in closed.items}
    me = chain.cashier_id(chain.manager)
    for refused in (
        lambda: merchants.close_cashier(chain.core, actor=chain.manager, cashier=me),
        lambda: merchants.reset_password(chain.core, actor=chain.manager, cashier=me, password=NEW),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_the_account_of_a_machine_is_no_persons_and_never_gets_a_password(chain: Chain) -> None:
    with chain.core.transaction() as session:
        machine = create_machine(session, actor=chain.manager, shop=chain.main, name="1号收银机")
    for refused in (
        lambda: merchants.reset_password(
            chain.core, actor=chain.manager, cashier=machine.id, password=NEW
        ),
        lambda: merchants.move_cashier(
            chain.core, actor=chain.manager, cashier=machine.id, shop=chain.branch
        ),
    ):
        with pytest.raises(NoSuchThing):
            refused()
    with pytest.raises(SignInRefused):
        merchants.cashier_sign_in(chain.core, username=machine.username, password=NEW)
