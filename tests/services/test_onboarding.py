"""Somebody applies to become a merchant, is checked twice, and takes vouchers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.make import JIANGCHENG, World
from tests.services.applicants import (
    CARD,
    CORPORATE,
    MOBILE,
    OPERATOR,
    PASSWORD,
    admitted,
    applicant,
    filled,
    photo,
    planned_shop,
    proposed,
    submitted,
)
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed, SamePerson
from voucher_service.identity.desk import Reason
from voucher_service.identity.model import SignInRefused, TooManyRequests, UsernameTaken
from voucher_service.identity.service.reading import Desk
from voucher_service.infra import files, outbox
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.secrets import Keyring
from voucher_service.jobs import runtime
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind, AccountNameDiffers
from voucher_service.merchants.model import CashierStatus, SizeClass, UsccInvalid, UsccTaken, uscc
from voucher_service.merchants.onboarding import (
    COMMITMENT,
    CommitmentOutdated,
    DocumentKind,
    MerchantApplicationIncomplete,
    MerchantApplicationStatus,
    Step,
)
from voucher_service.merchants.service import applying, listing, reviewing
from voucher_service.merchants.service.reviewing import Private

DESK = Desk("test", None)


@pytest.fixture(scope="module")
def reviewer(world: World) -> Actor:
    return world.staff(Role.REVIEWER, area=JIANGCHENG)


def told(core: Core) -> list[dict[str, Any]]:
    """Every short message so far, after the worker did what was due."""
    with core.transaction() as session:
        keys = [key for key in outbox.due(session) if key.startswith("tell_merchant")]
    for key in keys:
        assert runtime.do(core, key)
    sent = Path(core.settings.sms.outbox)
    return [json.loads(line) for line in sent.read_text("utf-8").splitlines()]


def test_a_shopkeeper_becomes_a_merchant_whose_manager_redeems(world: World) -> None:
    who, merchant = admitted(world)
    signed_in = merchants.cashier_sign_in(world.core, username=who.username, password=PASSWORD)
    assert signed_in.id == who.actor.id
    assert signed_in.role is Role.MANAGER
    desk = merchants.desk(world.core, actor=who.manager)
    assert (desk.till.merchant_name, desk.till.area) == (who.name, JIANGCHENG)
    voucher = world.claim(world.offer())
    assert world.redeem(voucher, who.manager).value.shop_id == desk.till.shop_id
    with world.core.transaction() as session:
        shop = merchants.load_shop(session, shop=desk.till.shop_id)
        now = world.now()
        found = merchants.accounts_at(session, merchants=[merchant], at=now, clear=True)
    assert shop.opening_hours == planned_shop().hours
    assert shop.position == planned_shop().position
    account = found[merchant]
    assert (account.account.name, account.account.number) == (who.name, CORPORATE)


def test_the_applicant_is_told_of_each_decision(world: World) -> None:
    who, _ = admitted(world)
    mine = [one for one in told(world.core) if who.name in one["text"]]
    assert [one["code"] for one in mine] == ["merchant_submitted", "merchant_admitted"]
    assert {one["mobile"] for one in mine} == {MOBILE}


def test_an_applicant_has_no_till_and_is_in_no_list_of_cashiers(world: World) -> None:
    who = applicant(world.core)
    found = merchants.cashier_sign_in(world.core, username=who.username, password=PASSWORD)
    assert found.status is CashierStatus.APPLYING
    with pytest.raises(NoSuchThing):
        merchants.desk(world.core, actor=who.actor)
    assert merchants.cashier_actor(world.core, found.id) is None
    with pytest.raises(SignInRefused):
        merchants.cashier_sign_in(world.core, username=who.username, password="another one")


def test_a_username_is_taken_once_by_applicants_and_cashiers_alike(world: World) -> None:
    who = applicant(world.core)
    with pytest.raises(UsernameTaken):
        applying.begin(world.core, username=who.username, password=PASSWORD, mobile=MOBILE)


def test_what_is_missing_is_named_and_nothing_is_handed_in(world: World) -> None:
    who = applicant(world.core)
    assert set(applying.mine(world.core, actor=who.actor).missing) == set(Step) - {Step.COMMITMENT}
    with pytest.raises(MerchantApplicationIncomplete) as refused:
        applying.submit(world.core, actor=who.actor, commitment=COMMITMENT)
    assert refused.value.extra["steps"] == ["business", "shops", "account", "documents"]


def test_an_older_letter_must_be_read_again(world: World) -> None:
    who = filled(world.core)
    with pytest.raises(CommitmentOutdated):
        applying.submit(world.core, actor=who.actor, commitment="2020-01")


def test_what_was_handed_in_is_changed_by_nobody(world: World) -> None:
    who, _ = submitted(world.core)
    with pytest.raises(IllegalTransition):
        applying.add_shop(world.core, actor=who.actor, shop=planned_shop())


def test_an_account_in_another_name_is_refused(world: World) -> None:
    who = filled(world.core)
    account = {"number": CORPORATE, "bank": "中国银行"}
    with pytest.raises(AccountNameDiffers):
        applying.save_account(
            world.core, actor=who.actor, kind=AccountKind.CORPORATE, name="别的公司", **account
        )
    # the licence changes after the account was typed
    applying.save_business(
        world.core,
        actor=who.actor,
        name="改了名的店",
        uscc=who.uscc,
        size_class=SizeClass.SMALL,
        legal_person=OPERATOR,
    )
    with pytest.raises(AccountNameDiffers):
        applying.submit(world.core, actor=who.actor, commitment=COMMITMENT)


def test_a_personal_card_is_for_sole_traders_in_their_own_name(world: World) -> None:
    who = filled(world.core)
    card = {"number": CARD, "bank": "农业银行", "kind": AccountKind.PERSONAL}
    if not who.uscc.startswith("92"):
        with pytest.raises(AccountNameDiffers):
            applying.save_account(world.core, actor=who.actor, name=OPERATOR, **card)
    sole = "92441702MA5000001"
    code = next(sole + last for last in "0123456789ABCDEFGHJKLMNPQRTUWXY" if _is_uscc(sole + last))
    applying.save_business(
        world.core,
        actor=who.actor,
        name=who.name,
        uscc=code,
        size_class=SizeClass.SMALL,
        legal_person=OPERATOR,
    )
    with pytest.raises(AccountNameDiffers):
        applying.save_account(world.core, actor=who.actor, name="陈大文", **card)
    applying.save_account(world.core, actor=who.actor, name=OPERATOR, **card)
    account = applying.mine(world.core, actor=who.actor).account
    assert account is not None
    assert (account.name, account.last4, account.number) == ("林*", "0000", "")


def _is_uscc(code: str) -> bool:
    try:
        return uscc(code) == code
    except UsccInvalid:
        return False


def test_who_checked_first_cant_admit(world: World) -> None:
    both = world.staff(Role.REVIEWER, Role.APPROVER)
    _, _, proposal = proposed(world, both)
    with pytest.raises(SamePerson):
        approvals.approve(world.core, actor=both, approval=proposal)


def test_a_county_checks_and_only_the_city_admits(world: World, reviewer: Actor) -> None:
    _, id, proposal = proposed(world, reviewer)
    county = world.staff(Role.APPROVER, area=JIANGCHENG)
    with pytest.raises(NoSuchThing):
        approvals.approve(world.core, actor=county, approval=proposal)
    approvals.approve(
        world.core, actor=world.staff(Role.APPROVER, area="441700"), approval=proposal
    )
    found = reviewing.get(world.core, actor=reviewer, application=id)
    assert found.status is MerchantApplicationStatus.ADMITTED


def test_another_county_sees_nothing_of_it(world: World) -> None:
    _, found = submitted(world.core)
    other = world.staff(Role.REVIEWER, area="441704")
    with pytest.raises(NoSuchThing):
        reviewing.get(world.core, actor=other, application=found.id)
    with pytest.raises(NoSuchThing):
        reviewing.document(world.core, actor=other, application=found.id, kind=DocumentKind.LICENCE)
    listed = reviewing.page(
        world.core,
        actor=other,
        status=MerchantApplicationStatus.SUBMITTED,
        cursor=None,
        limit=200,
    )
    assert found.id not in {one.id for one in listed.items}
    with pytest.raises(NotAllowed):
        reviewing.get(world.core, actor=world.planner, application=found.id)


def test_it_goes_back_with_a_reason_for_each_thing_and_comes_again(
    world: World, reviewer: Actor
) -> None:
    who, found = submitted(world.core)
    reviewing.send_back(
        world.core,
        actor=reviewer,
        application=found.id,
        findings={"licence": "四角没拍全"},
        reason="请重拍执照",
    )
    mine = applying.mine(world.core, actor=who.actor)
    assert mine.editable
    assert mine.findings == {"licence": "四角没拍全"}
    again = files.clean(photo((80, 80)), most_bytes=1_000_000)
    applying.hand_in(world.core, actor=who.actor, kind=DocumentKind.LICENCE, content=again)
    second = applying.submit(world.core, actor=who.actor, commitment=COMMITMENT)
    assert second.findings == {}
    with pytest.raises(IllegalTransition):
        reviewing.send_back(
            world.core,
            actor=reviewer,
            application=proposed(world, reviewer)[1],
            findings={},
            reason="已经初审",
        )


def test_what_the_city_sends_back_waits_for_the_reviewer_again(
    world: World, reviewer: Actor
) -> None:
    _, id, proposal = proposed(world, reviewer)
    approvals.reject(world.core, actor=world.approver, approval=proposal, reason="照片不清楚")
    found = reviewing.get(world.core, actor=reviewer, application=id)
    assert found.status is MerchantApplicationStatus.SUBMITTED
    assert reviewing.opinion(world.core, application=found) == "照片不清楚"
    reviewing.reject(world.core, actor=reviewer, application=id, reason="不在本市经营")
    again = reviewing.get(world.core, actor=reviewer, application=id)
    assert again.status is MerchantApplicationStatus.REJECTED


def test_a_licence_admits_one_merchant(world: World) -> None:
    who, _ = admitted(world)
    second = applicant(world.core, uscc=who.uscc)
    with pytest.raises(UsccTaken):
        applying.save_business(
            world.core,
            actor=second.actor,
            name=who.name,
            uscc=who.uscc,
            size_class=SizeClass.SMALL,
            legal_person=OPERATOR,
        )


def test_what_changed_after_it_was_checked_is_not_admitted(
    world: World, owner: Engine, reviewer: Actor
) -> None:
    _, id, proposal = proposed(world, reviewer)
    with owner.begin() as connection:
        connection.execute(
            text(
                "UPDATE merchant_application"
                " SET content = jsonb_set(content, '{account,bank}', '\"别的银行\"')"
                " WHERE id = :id"
            ),
            {"id": id},
        )
    with pytest.raises(ChangedSinceProposed):
        approvals.approve(world.core, actor=world.approver, approval=proposal)


def test_personal_data_is_masked_and_each_reading_is_on_record(
    world: World, owner: Engine, reviewer: Actor
) -> None:
    _, found = submitted(world.core)
    seen = reviewing.get(world.core, actor=reviewer, application=found.id)
    assert seen.business is not None
    assert (seen.business.legal_person, seen.mobile) == ("林*", "138****5678")
    shown = reviewing.reveal(
        world.core,
        actor=reviewer,
        desk=DESK,
        application=found.id,
        fields=[Private.MOBILE, Private.ACCOUNT_NUMBER],
        reason=Reason.REVIEW,
        note="回访核实",
    )
    assert shown == {Private.MOBILE: MOBILE, Private.ACCOUNT_NUMBER: CORPORATE}
    with owner.connect() as connection:
        ((who, detail),) = connection.execute(
            text("SELECT actor, detail FROM audit.event WHERE object_id = :id AND action = :read"),
            {"id": str(found.id), "read": "merchant.revealed"},
        )
    assert who == reviewer.name
    assert detail["fields"] == ["account_number", "mobile"]
    assert CORPORATE not in json.dumps(detail)


def test_reads_of_merchants_count_with_those_of_residents(world: World) -> None:
    curious = world.staff(Role.REVIEWER)
    _, found = submitted(world.core)

    def read() -> None:
        reviewing.reveal(
            world.core,
            actor=curious,
            desk=DESK,
            application=found.id,
            fields=[Private.MOBILE],
            reason=Reason.REVIEW,
            note="一个一个看",
        )

    for _ in range(world.core.settings.desk.personal_reads_per_hour):
        read()
    with pytest.raises(TooManyRequests):
        read()


def test_no_number_and_no_name_of_a_person_stands_in_clear(world: World, owner: Engine) -> None:
    admitted(world)
    with owner.connect() as connection:
        for table in ("merchant_application", "settlement_account", "audit.event", "job_outbox"):
            rows = connection.execute(text(f"SELECT t::text FROM {table} t")).scalars()
            whole = "\n".join(rows)
            assert not any(secret in whole for secret in (MOBILE, CORPORATE, OPERATOR)), table


def test_the_public_list_knows_admitted_shops_until_they_are_suspended(world: World) -> None:
    who, merchant = admitted(world)
    asked = {"area": "441700", "trade": None, "cursor": None, "limit": 50}
    (found,) = listing.public_shops(world.core, text=who.name, **asked).items
    assert (found.merchant, found.shop.name) == (who.name, planned_shop().name)
    assert listing.public_shops(world.core, text="100%", **asked).items == []
    merchants.suspend_merchant(
        world.core, actor=world.staff(Role.REVIEWER), merchant=merchant, reason="核查"
    )
    assert listing.public_shops(world.core, text=who.name, **asked).items == []


def test_a_change_of_keys_reaches_what_merchants_handed_in(world: World) -> None:
    who, merchant = admitted(world)
    secrets = world.core.settings.secrets
    newer = with_clock(world.core, world.core.clock)
    both = replace(secrets, field_keys=f"2:another-field-key,{secrets.field_keys}")
    newer.__dict__["keyring"] = Keyring(both)
    while merchants.rotate_fields(newer):
        pass
    only = with_clock(world.core, world.core.clock)
    only.__dict__["keyring"] = Keyring(replace(secrets, field_keys="2:another-field-key"))
    with only.transaction() as session:
        now = world.now()
        found = merchants.accounts_at(session, merchants=[merchant], at=now, clear=True)
    account = found[merchant]
    assert account.account.number == CORPORATE
    kept = applying.own_document(only, actor=who.manager, kind=DocumentKind.LICENCE)
    assert kept.media_type == "image/jpeg"
    world.core.__dict__["keyring"] = newer.keyring


def test_nobody_elses_application_is_ones_own(world: World) -> None:
    with pytest.raises(NoSuchThing):
        applying.mine(world.core, actor=world.cashier())
    with pytest.raises(NoSuchThing):
        applying.mine(world.core, actor=Actor(ActorKind.STAFF, world.planner.id))
