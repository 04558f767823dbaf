"""What time and the bank do to applications: deadlines, lapses, refused payments, old papers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.conftest import NOON
from tests.make import JIANGCHENG, World
from tests.services.applicants import photo
from tests.services.car_applicants import (
    CARD,
    OTHER_CARD,
    Owner,
    approved,
    began,
    card_given,
    card_refused,
    filled,
    named,
    new_car,
    submitted,
)
from voucher_service.infra import files, outbox
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.secrets import Keyring
from voucher_service.jobs import runtime
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.reports import application_invariants
from voucher_service.tradein.applications import progress, service
from voucher_service.tradein.applications.deadlines import Periods, correct_until
from voucher_service.tradein.applications.model import (
    Application,
    ApplicationStatus,
    Card,
    EvidenceKind,
)
from voucher_service.tradein.applications.refusals import (
    CorrectionLate,
    CorrectionsClosed,
    OwnApplication,
)

BACK: dict[str, Any] = {"corrections": {"new_invoice": "四角没拍全"}, "reason": "请重拍发票"}
PERIODS = Periods(accept=3, review=15, pay=30, correct=10)


@pytest.fixture(scope="module")
def autumn(core: Core) -> World:
    """A city in September 2026, when the policies of that year are in force."""
    return World(with_clock(core, Clock(NOON)))


@pytest.fixture(scope="module")
def reviewer(autumn: World) -> Actor:
    return autumn.staff(Role.REVIEWER, area=JIANGCHENG)


def after(world: World, days: int, hours: int = 0) -> Core:
    """The same servers so much later."""
    return with_clock(world.core, Clock(NOON + timedelta(days=days, hours=hours)))


def mine(core: Core, who: Owner) -> Application:
    return service.get(core, actor=who.actor, application=who.application)


def sent_back(world: World, reviewer: Actor) -> Owner:
    who, found = submitted(world.core, world.resident())
    service.send_back(world.core, actor=reviewer, application=found.id, **BACK)
    return who


def told(core: Core) -> list[dict[str, Any]]:
    """The short messages that were wanted, sent."""
    with core.transaction() as session:
        keys = [key for key in outbox.due(session) if key.startswith("tell_applicant")]
    for key in keys:
        assert runtime.do(core, key)
    lines = Path(core.settings.sms.outbox).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def holds(core: Core) -> bool:
    """Whether places and money add up."""
    every = application_invariants.MONEY | application_invariants.PLACES
    with core.transaction() as session:
        return not any(session.execute(text(query)).first() for query in every.values())


def shown(one: Application, today: date) -> list[tuple[str, str]]:
    """The states of the steps, and what the last one that is no later step says."""
    return [(str(step.state), step.note) for step in progress.steps(one, "zh-CN", today)]


@pytest.mark.parametrize(
    ("last", "until"),
    [
        (None, datetime(2026, 10, 3, 16, tzinfo=UTC)),
        (date(2026, 10, 3), datetime(2026, 10, 3, 16, tzinfo=UTC)),
        (date(2026, 9, 30), datetime(2026, 9, 30, 16, tzinfo=UTC)),
        (date(2026, 9, 23), datetime(2026, 9, 23, 16, tzinfo=UTC)),
    ],
)
def test_a_correction_has_ten_days_and_no_more_than_the_policy(
    last: date | None, until: datetime
) -> None:
    assert correct_until(NOON, last, PERIODS) == until


def test_nobody_is_sent_back_after_the_policys_last_day() -> None:
    with pytest.raises(CorrectionsClosed):
        correct_until(NOON, date(2026, 9, 22), PERIODS)


def test_who_never_corrects_is_reminded_once_and_then_lapses(
    autumn: World, reviewer: Actor
) -> None:
    who = sent_back(autumn, reviewer)
    assert (service.remind_due(after(autumn, 6)), service.lapse_due(after(autumn, 6))) == (0, 0)
    assert service.remind_due(after(autumn, 8, hours=10)) == 0  # at night
    assert (service.remind_due(after(autumn, 8)), service.remind_due(after(autumn, 9))) == (1, 0)
    assert service.lapse_due(after(autumn, 10)) == 0  # the last day
    late = after(autumn, 11)
    with pytest.raises(CorrectionLate):
        service.submit(late, actor=who.actor, application=who.application)
    assert (service.lapse_due(late), service.lapse_due(late)) == (1, 0)
    assert mine(late, who).status is ApplicationStatus.LAPSED
    assert holds(autumn.core)
    assert [one["code"].removeprefix("application_") for one in told(autumn.core)][-4:] == [
        "submitted",
        "sent_back",
        "correction_ends",
        "lapsed",
    ]


def test_a_lapsed_application_frees_its_car_for_another(autumn: World, reviewer: Actor) -> None:
    car = new_car("")
    _, found = submitted(autumn.core, autumn.resident(), new=car)
    service.send_back(autumn.core, actor=reviewer, application=found.id, **BACK)
    service.lapse_due(after(autumn, 11))
    submitted(autumn.core, autumn.resident(), new=car)


def test_the_office_is_due_after_three_fifteen_and_thirty_days(
    autumn: World, reviewer: Actor
) -> None:
    who, found = submitted(autumn.core, autumn.resident())
    assert found.due_on == date(2026, 9, 26)
    assert [found.overdue(date(2026, 9, day)) for day in (26, 27)] == [False, True]
    proposal = service.precheck(autumn.core, actor=reviewer, application=found.id)
    assert mine(autumn.core, who).due_on == date(2026, 10, 8)
    autumn.approve(proposal)
    assert mine(autumn.core, who).due_on == date(2026, 10, 23)


def test_the_applicant_sees_every_step_with_its_day_up_to_the_payment(
    autumn: World, reviewer: Actor
) -> None:
    today = date(2026, 9, 23)
    who = sent_back(autumn, reviewer)
    assert shown(mine(autumn.core, who), today)[1] == ("back", "等您补正，最后一天10月3日")
    who = approved(autumn)
    assert shown(mine(autumn.core, who), today) == [
        ("done", "9月23日"),
        ("done", "9月23日"),
        ("done", "9月23日"),
        ("now", "到9月27日"),
        ("later", "10月23日前办好"),
    ]
    assert "已经晚了" in shown(mine(autumn.core, who), date(2026, 10, 24))[-1][1]
    at = NOON + timedelta(days=12)
    with after(autumn, 12).transaction() as session:
        service.paid(session, application=who.application, at=at)
    found = mine(autumn.core, who)
    assert (found.status, found.paid_at) == (ApplicationStatus.PAID, at)
    assert shown(found, today)[-2:] == [
        ("now", "到9月27日"),
        ("done", f"10月5日付到尾号 {CARD[-4:]} 的卡"),
    ]
    assert (
        told(autumn.core)[-1]["text"]
        .splitlines()[0]
        .endswith(f"¥15,456.00 已经付到尾号 {CARD[-4:]} 的卡。")
    )
    assert holds(autumn.core)


def test_another_card_after_the_bank_refused_is_looked_at_by_one_person(
    autumn: World, reviewer: Actor
) -> None:
    who, later = card_refused(autumn), after(autumn, 6)
    call: dict[str, Any] = {"actor": reviewer, "application": who.application}

    def payable() -> str | None:
        try:
            with later.transaction() as session:
                return service.payee(session, application=who.application).card.number
        except NoSuchThing:
            return None

    found = mine(autumn.core, who)
    assert (found.card_wanted, found.editable, found.reason) == (True, False, "户名不符")
    car = found.bought
    assert car is not None
    with pytest.raises(IllegalTransition):
        service.save_new_car(autumn.core, actor=who.actor, application=who.application, car=car)
    assert payable() is None
    card = Card(who.name, OTHER_CARD, "工商银行阳江分行")
    mine_: dict[str, Any] = {"actor": who.actor, "application": who.application}
    service.save_card(autumn.core, card=card, **mine_)
    with pytest.raises(IllegalTransition):
        service.save_card(autumn.core, card=card, **mine_)
    assert payable() is None
    service.return_card(autumn.core, reason="请写到支行", **call)
    assert mine(autumn.core, who).reason == "请写到支行"
    service.save_card(autumn.core, card=card, **mine_)
    service.accept_card(autumn.core, **call)
    assert payable() == OTHER_CARD
    assert mine(autumn.core, who).notice_until == date(2026, 9, 27)
    assert holds(autumn.core)


def test_a_payment_may_come_back_after_it_was_made(autumn: World) -> None:
    who = approved(autumn)
    with autumn.core.transaction() as session:
        service.paid(session, application=who.application, at=NOON)
        service.payout_refused(session, application=who.application, reason="账户已销户")
    found = mine(autumn.core, who)
    assert (found.status, found.paid_at) == (ApplicationStatus.PAYOUT_REFUSED, None)


def test_nobody_looks_at_their_own_card(autumn: World) -> None:
    who = card_given(autumn)
    with pytest.raises(OwnApplication):
        service.accept_card(
            autumn.core,
            actor=named(autumn, who.name, Role.REVIEWER),
            application=who.application,
        )


def test_the_cards_last_four_signs_are_on_record_and_no_more(autumn: World, owner: Engine) -> None:
    who = card_given(autumn)
    with owner.connect() as connection:
        detail = connection.execute(
            text(
                "SELECT detail FROM audit.event"
                " WHERE object_id = :id AND action = 'application.card_given'"
            ),
            {"id": str(who.application)},
        ).scalar_one()
    assert detail == {"last4": {"from": CARD[-4:], "to": OTHER_CARD[-4:]}}


def test_papers_and_names_of_a_refused_application_go_after_200_days_and_hashes_stay(
    autumn: World, reviewer: Actor, owner: Engine
) -> None:
    who, found = submitted(autumn.core, autumn.resident())
    other = approved(autumn)
    service.reject(autumn.core, actor=reviewer, application=found.id, reason="不是本人的车")
    while service.forget(after(autumn, 199)):
        pass
    paper: dict[str, Any] = {"application": who.application, "kind": EvidenceKind.ID_FRONT}
    assert service.evidence_of(autumn.core, actor=who.actor, **paper).data
    late = after(autumn, 201)
    while service.forget(late):
        pass
    with pytest.raises(NoSuchThing):
        service.evidence_of(autumn.core, actor=who.actor, **paper)
    left = mine(autumn.core, who)
    assert (left.forgotten, left.evidence, left.reason) == (True, {}, "不是本人的车")
    assert left.bought is not None
    assert left.bought.buyer == "*"
    assert service.read(late, actor=reviewer, application=found.id).judged is None
    assert mine(autumn.core, other).evidence
    with owner.connect() as connection:
        kept = connection.execute(
            text(
                "SELECT length(f.sha256), f.cipher IS NULL FROM application_evidence e"
                " JOIN stored_file f ON f.id = e.file_id WHERE e.application_id = :id"
            ),
            {"id": found.id},
        ).all()
        record = connection.execute(
            text(
                "SELECT detail FROM audit.event"
                " WHERE object_id = :id AND action = 'application.forgotten'"
            ),
            {"id": str(found.id)},
        ).scalar_one()
    assert kept == [(64, True)] * 6
    assert record == {"files": 6}


def test_a_draft_nobody_went_on_with_ends_and_is_forgotten_with_the_refused(
    autumn: World,
) -> None:
    who = began(autumn.core, autumn.resident())
    while service.lapse_due(after(autumn, 201)):
        pass
    assert mine(autumn.core, who).status is ApplicationStatus.WITHDRAWN
    while service.forget(after(autumn, 402)):
        pass
    assert mine(autumn.core, who).forgotten


def test_what_a_camera_noted_is_kept_beside_the_paper_and_its_place_coarsely(
    autumn: World,
) -> None:
    who = filled(autumn.core, autumn.resident())
    facts = files.Facts(NOON, 21.858123, 111.982456, 2**64 - 5)
    content = files.clean(photo(), most_bytes=1_000_000)
    service.hand_in(
        autumn.core,
        actor=who.actor,
        application=who.application,
        kind=EvidenceKind.NEW_INVOICE,
        content=content,
        facts=facts,
    )
    with autumn.core.transaction() as session:
        found = service.papers(session, applications=[who.application])[who.application]
    assert len(found) == 6
    (invoice,) = [one for one in found if one.kind is EvidenceKind.NEW_INVOICE]
    assert invoice.facts == files.Facts(NOON, 21.858, 111.982, 2**64 - 5)


def test_personal_data_moves_to_the_newest_key(autumn: World) -> None:
    who = filled(autumn.core, autumn.resident())
    secrets = autumn.core.settings.secrets
    newer, only = (with_clock(autumn.core, autumn.core.clock) for _ in range(2))
    both = replace(secrets, field_keys=f"2:another-field-key,{secrets.field_keys}")
    newer.__dict__["keyring"] = Keyring(both)
    while service.rotate_fields(newer):
        pass
    only.__dict__["keyring"] = Keyring(replace(secrets, field_keys="2:another-field-key"))
    found = service.get(only, actor=who.actor, application=who.application)
    assert found.bought is not None
    assert found.bought.buyer == f"{who.name[0]}*"
    autumn.core.__dict__["keyring"] = newer.keyring
