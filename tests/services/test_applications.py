"""A resident applies for the subsidy of a car, is checked twice, and becomes payable."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from tests.conftest import NOON
from tests.make import CITY, JIANGCHENG, World
from tests.services.applicants import photo
from tests.services.car_applicants import (
    CARD,
    Owner,
    approved,
    began,
    filled,
    named,
    new_car,
    old_car,
    proposed,
    submitted,
)
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed, SamePerson
from voucher_service.identity import service as identity
from voucher_service.identity.model import ResidentBlocked
from voucher_service.infra import files, outbox
from voucher_service.infra.core import Core, with_clock
from voucher_service.jobs import runtime
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.kernel.money import Money
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.checks import Found
from voucher_service.tradein.applications.model import (
    Application,
    ApplicationStatus,
    EvidenceKind,
    Vehicle,
)
from voucher_service.tradein.applications.refusals import (
    ApplicationIncomplete,
    ApplicationIneligible,
    OwnApplication,
    UnitsTaken,
    VehicleTaken,
)
from voucher_service.tradein.identifiers import VinInvalid
from voucher_service.tradein.policy import Scheme
from voucher_service.tradein.revision import revise
from voucher_service.tradein.shelf import shelf


@pytest.fixture(scope="module", autouse=True)
def rules_in_force() -> None:
    """As they ship, with their last day: these tests have a day of their own."""


@pytest.fixture(scope="module")
def autumn(core: Core) -> World:
    """A city in September 2026, when the policies of that year are in force."""
    return World(with_clock(core, Clock(NOON)))


@pytest.fixture(scope="module")
def reviewer(autumn: World) -> Actor:
    return autumn.staff(Role.REVIEWER, area=JIANGCHENG)


def mine(world: World, who: Owner) -> Application:
    """The application as its owner sees it."""
    return service.get(world.core, actor=who.actor, application=who.application)


def test_two_people_agree_and_it_is_paid_to_the_applicants_own_card(autumn: World) -> None:
    who = approved(autumn)
    found = mine(autumn, who)
    assert found.status is ApplicationStatus.APPROVED
    assert (found.policy_id, found.subsidy) == ("car_scrap-2026", Money(1_545_600))
    with pytest.raises(NoSuchThing), autumn.core.transaction() as session:
        service.payee(session, application=who.application)  # under notice
    later = with_clock(autumn.core, Clock(NOON + timedelta(days=5)))
    with later.transaction() as session:
        payee = service.payee(session, application=who.application)
    assert (payee.card.holder, payee.card.number) == (who.name, CARD)
    assert payee.amount == Money(1_545_600)


def test_nothing_is_payable_before_it_was_approved(autumn: World) -> None:
    who, _ = proposed(autumn)
    with pytest.raises(NoSuchThing), autumn.core.transaction() as session:
        service.payee(session, application=who.application)


def test_a_decision_can_be_made_again_from_what_was_stored(autumn: World) -> None:
    who = approved(autumn)
    with autumn.core.transaction() as session:
        made = service.decisions(session)
    assert who.application in {one.id for one in made}
    assert revise(made, shelf()).differences == ()
    raised = [replace(one, subsidy=one.subsidy - Money(100)) for one in made]
    assert revise(raised, shelf()).change == Money(100) * len(made)


def test_a_draft_is_gone_on_with_and_only_its_owner_sees_it(autumn: World) -> None:
    who = began(autumn.core, autumn.resident())
    again = service.begin(autumn.core, actor=who.actor, scheme=Scheme.CAR_SCRAP)
    assert (again.value.id, again.replayed) == (who.application, True)
    with pytest.raises(NoSuchThing):
        service.get(autumn.core, actor=autumn.resident(), application=who.application)
    page = service.mine(autumn.core, actor=who.actor, cursor=None, limit=10)
    assert [one.id for one in page.items] == [who.application]


def test_names_plates_and_cards_are_masked_and_encrypted(autumn: World, owner: Engine) -> None:
    who = filled(autumn.core, autumn.resident())
    found = mine(autumn, who)
    assert found.bought and found.given_up and found.card
    assert found.bought.buyer == found.given_up.owner == found.card.holder == f"{who.name[0]}*"
    assert (found.bought.plate, found.card.number) == ("粤Q···45", "…0000")
    with owner.connect() as connection:
        row = connection.execute(
            text("SELECT content::text FROM application WHERE id = :id"), {"id": who.application}
        ).scalar_one()
    assert who.name not in row
    assert CARD not in row
    assert "粤Q" not in row


def test_what_is_missing_is_named_and_nothing_is_handed_in(autumn: World) -> None:
    who = began(autumn.core, autumn.resident(), Scheme.CAR_REPLACE)
    with pytest.raises(ApplicationIncomplete) as refused:
        service.submit(autumn.core, actor=who.actor, application=who.application)
    papers = ["id_front", "id_back", "new_invoice", "new_registration", "sale_invoice", "transfer"]
    assert refused.value.extra["missing"] == ["new_car", "old_car", "card", *papers]


def test_a_mistyped_number_is_refused_at_once(autumn: World) -> None:
    who = began(autumn.core, autumn.resident())
    car = replace(new_car(who.name), vin="LSVAA4182E21O0001")
    with pytest.raises(VinInvalid):
        service.save_new_car(autumn.core, actor=who.actor, application=who.application, car=car)


def test_a_paper_of_the_other_scheme_is_not_asked_for(autumn: World) -> None:
    who = began(autumn.core, autumn.resident(), Scheme.CAR_REPLACE)
    content = files.clean(photo(), most_bytes=1_000_000)
    with pytest.raises(NoSuchThing):
        service.hand_in(
            autumn.core,
            actor=who.actor,
            application=who.application,
            kind=EvidenceKind.RECYCLING,
            content=content,
        )


def test_who_is_blocked_does_not_begin(autumn: World) -> None:
    resident = autumn.resident()
    assert resident.id is not None
    identity.block_resident(
        autumn.core, actor=SYSTEM, resident=ResidentId(resident.id), reason="核查"
    )
    with pytest.raises(ResidentBlocked):
        service.begin(autumn.core, actor=resident, scheme=Scheme.CAR_SCRAP)


def test_what_the_rules_do_not_pay_is_said_before_and_refused(autumn: World) -> None:
    bus = replace(new_car(""), vehicle=Vehicle.OTHER, plate="京AD12345")
    who = filled(autumn.core, autumn.resident(), new=bus)
    judged = service.preview(autumn.core, actor=who.actor, application=who.application)
    assert judged is not None
    assert {one.what for one in judged.findings} == {Found.VEHICLE_EXCLUDED, Found.OTHER_PROVINCE}
    with pytest.raises(ApplicationIneligible):
        service.submit(autumn.core, actor=who.actor, application=who.application)


@pytest.mark.parametrize("what", ["new_vin", "old_vin", "invoice", "paper"])
@pytest.mark.parametrize("scheme", [Scheme.CAR_SCRAP, Scheme.CAR_REPLACE])
def test_a_car_and_its_papers_are_paid_for_once_in_both_schemes(
    autumn: World, what: str, scheme: Scheme
) -> None:
    first = old_car("", Scheme.CAR_REPLACE)  # a number of an invoice is a serial number as well
    bought = new_car("")
    submitted(autumn.core, autumn.resident(), Scheme.CAR_REPLACE, new=bought, old=first)
    new, old = new_car(""), old_car("", scheme)
    new, old = {
        "new_vin": (replace(new, vin=bought.vin), old),
        "old_vin": (new, replace(old, vin=first.vin)),
        "invoice": (replace(new, invoice=bought.invoice), old),
        "paper": (new, replace(old, paper=first.paper)),
    }[what]
    with pytest.raises(VehicleTaken) as refused:
        submitted(autumn.core, autumn.resident(), scheme, new=new, old=old)
    assert refused.value.extra == {"what": what}


def test_six_people_hand_one_car_in_at_once_and_one_of_them_holds_it(autumn: World) -> None:
    car = new_car("")
    people = [filled(autumn.core, one, new=car) for one in autumn.residents(6)]

    def hand_in(who: Owner) -> bool:
        try:
            service.submit(autumn.core, actor=who.actor, application=who.application)
        except VehicleTaken:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(hand_in, people)) == 1


def test_a_second_car_of_the_year_waits_for_another_year_unless_the_first_is_taken_back(
    autumn: World,
) -> None:
    who, first = submitted(autumn.core, autumn.resident())
    submitted(autumn.core, who.actor, Scheme.CAR_REPLACE)  # once in each scheme
    again = filled(autumn.core, who.actor)
    with pytest.raises(UnitsTaken):
        service.submit(autumn.core, actor=who.actor, application=again.application)
    service.withdraw(autumn.core, actor=who.actor, application=first.id)
    done = service.submit(autumn.core, actor=who.actor, application=again.application)
    assert done.value.status is ApplicationStatus.SUBMITTED


def test_the_same_key_hands_nothing_in_twice(autumn: World, reviewer: Actor) -> None:
    who = filled(autumn.core, autumn.resident())
    call = {"actor": who.actor, "application": who.application, "key": uuid4().hex}
    assert not service.submit(autumn.core, **call).replayed
    service.send_back(
        autumn.core,
        actor=reviewer,
        application=who.application,
        corrections={"new_invoice": "四角没拍全"},
        reason="请重拍发票",
    )
    late = service.submit(autumn.core, **call)
    assert (late.replayed, late.value.status) == (True, ApplicationStatus.SENT_BACK)


def test_a_correction_keeps_the_day_of_filing_and_what_it_holds(
    autumn: World, reviewer: Actor
) -> None:
    who, first = submitted(autumn.core, autumn.resident())
    back = {"corrections": {"new_invoice": "四角没拍全"}, "reason": "请重拍发票"}
    service.send_back(autumn.core, actor=reviewer, application=first.id, **back)
    found = mine(autumn, who)
    assert (found.status, found.corrections) == (ApplicationStatus.SENT_BACK, back["corrections"])
    assert found.bought is not None
    with pytest.raises(VehicleTaken):
        submitted(autumn.core, autumn.resident(), new=replace(new_car(""), vin=found.bought.vin))
    # what counts is the day of the first
    late = with_clock(autumn.core, Clock(NOON + timedelta(days=9)))
    done = service.submit(late, actor=who.actor, application=first.id).value
    assert (done.status, done.filed_at) == (ApplicationStatus.SUBMITTED, first.filed_at)
    assert done.submitted_at != first.submitted_at
    assert (done.corrections, done.decided_at) == ({}, None)


def test_who_files_for_the_first_time_after_the_last_day_gets_nothing(autumn: World) -> None:
    late = with_clock(autumn.core, Clock(NOON + timedelta(days=200)))
    who = filled(autumn.core, autumn.resident())
    with pytest.raises(ApplicationIneligible) as refused:
        service.submit(late, actor=who.actor, application=who.application)
    assert refused.value.extra["findings"] == ["filed_late"]


def test_what_was_handed_in_is_changed_by_nobody(autumn: World) -> None:
    who, found = submitted(autumn.core, autumn.resident())
    with pytest.raises(IllegalTransition):
        service.save_new_car(
            autumn.core, actor=who.actor, application=found.id, car=new_car(who.name)
        )


def test_who_checked_first_cant_approve(autumn: World) -> None:
    both = autumn.staff(Role.REVIEWER, Role.APPROVER)
    _, proposal = proposed(autumn, both)
    with pytest.raises(SamePerson):
        approvals.approve(autumn.core, actor=both, approval=proposal)


def test_a_county_checks_and_only_the_city_approves(autumn: World, reviewer: Actor) -> None:
    who, proposal = proposed(autumn, reviewer)
    county = autumn.staff(Role.APPROVER, area=JIANGCHENG)
    with pytest.raises(NoSuchThing):
        approvals.approve(autumn.core, actor=county, approval=proposal)
    neighbour = autumn.staff(Role.REVIEWER, area="441704")
    with pytest.raises(NoSuchThing):
        service.read(autumn.core, actor=neighbour, application=who.application)
    with pytest.raises(NotAllowed):
        service.precheck(autumn.core, actor=county, application=who.application)
    approvals.approve(autumn.core, actor=autumn.staff(Role.APPROVER, area=CITY), approval=proposal)
    assert mine(autumn, who).status is ApplicationStatus.APPROVED


def test_nobody_checks_or_approves_their_own(autumn: World) -> None:
    who, found = submitted(autumn.core, autumn.resident())
    self_ = named(autumn, who.name, Role.REVIEWER)
    with pytest.raises(OwnApplication):
        service.precheck(autumn.core, actor=self_, application=found.id)
    with pytest.raises(OwnApplication):
        service.reject(autumn.core, actor=self_, application=found.id, reason="不补")
    other, proposal = proposed(autumn)
    with pytest.raises(OwnApplication):
        approvals.approve(
            autumn.core, actor=named(autumn, other.name, Role.APPROVER), approval=proposal
        )
    assert mine(autumn, other).status is ApplicationStatus.PRECHECKED


def test_the_city_sends_it_back_to_its_reviewer_with_a_word(autumn: World, reviewer: Actor) -> None:
    who, proposal = proposed(autumn, reviewer)
    approvals.reject(autumn.core, actor=autumn.approver, approval=proposal, reason="发票日期看不清")
    found = mine(autumn, who)
    assert (found.status, found.prechecked_at) == (ApplicationStatus.SUBMITTED, None)
    assert service.opinion(autumn.core, application=found) == "发票日期看不清"


def test_what_was_taken_back_meanwhile_is_not_approved(autumn: World) -> None:
    who, proposal = proposed(autumn)
    service.withdraw(autumn.core, actor=who.actor, application=who.application)
    with pytest.raises(ChangedSinceProposed):
        autumn.approve(proposal)
    approvals.reject(autumn.core, actor=autumn.approver, approval=proposal, reason="已撤回")
    assert mine(autumn, who).status is ApplicationStatus.WITHDRAWN


def test_a_refusal_frees_the_cars_for_another_application(autumn: World, reviewer: Actor) -> None:
    car = new_car("")
    who, found = submitted(autumn.core, autumn.resident(), new=car)
    service.reject(autumn.core, actor=reviewer, application=found.id, reason="不是本人的车")
    assert mine(autumn, who).reason == "不是本人的车"
    submitted(autumn.core, autumn.resident(), new=car)


def test_the_notice_shows_a_masked_name_and_the_sum_for_five_days(autumn: World) -> None:
    who = approved(autumn)

    def noticed(days: int) -> list[tuple[str, Money, date]]:
        core = with_clock(autumn.core, Clock(NOON + timedelta(days=days)))
        items = service.notice(core, cursor=None, limit=100).items
        return [(one.name, one.subsidy, one.until) for one in items if one.id == who.application]

    assert noticed(4) == [(f"{who.name[0]}*", Money(1_545_600), date(2026, 9, 27))]
    assert noticed(5) == []


def test_the_applicant_is_told_of_each_decision(autumn: World) -> None:
    approved(autumn)
    with autumn.core.transaction() as session:
        keys = [key for key in outbox.due(session) if key.startswith("tell_applicant")]
    for key in keys:
        assert runtime.do(autumn.core, key)
    lines = Path(autumn.core.settings.sms.outbox).read_text("utf-8").splitlines()
    last = [json.loads(line) for line in lines][-2:]
    assert [one["code"] for one in last] == ["application_submitted", "application_approved"]
    assert "¥15,456.00" in last[-1]["text"]


def test_who_looked_at_a_paper_is_on_record(autumn: World, reviewer: Actor, owner: Engine) -> None:
    _, found = submitted(autumn.core, autumn.resident())
    service.document(autumn.core, actor=reviewer, application=found.id, kind=EvidenceKind.ID_FRONT)
    with owner.connect() as connection:
        actors = connection.execute(
            text(
                "SELECT actor FROM audit.event WHERE object_id = :id"
                " AND action = 'application_evidence.read'"
            ),
            {"id": str(found.id)},
        ).scalars()
        assert [str(reviewer.id) in one for one in actors] == [True]
