"""Accounts of colleagues on a real PostgreSQL: proposed by one, decided by another, never both."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.make import World
from tests.services.signing_in import PASSWORD, city_at_noon
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import AlreadyProposed, OwnWork
from voucher_service.identity import service as identity
from voucher_service.identity.desk import check_roles
from voucher_service.identity.model import (
    STAFF_ROLES,
    PasswordChangeRequired,
    PasswordTooShort,
    RolesIncompatible,
    SignInRefused,
    Staff,
    StaffStatus,
    UsernameTaken,
)
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import InvalidInput, NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, StaffId
from voucher_service.web.auth import claims_of, issue
from voucher_service.web.face import Face

JIANGCHENG, YANGCHUN = "441702", "441781"
# Written out once more, by hand, from the rule as people say it.
TOGETHER = {
    frozenset({Role.PLANNER, Role.REVIEWER}),
    frozenset({Role.APPROVER, Role.REVIEWER}),
    frozenset({Role.FINANCE, Role.REVIEWER}),
}


@pytest.fixture(scope="module")
def city(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    with city_at_noon(core, Path(tmp_path_factory.mktemp("city"))) as made:
        yield made


@pytest.fixture(scope="module")
def world(city: Core) -> World:
    return World(city)


@pytest.fixture(scope="module")
def manager(world: World) -> Actor:
    return world.staff(Role.ADMINISTRATOR)


def proposed(city: Core, manager: Actor, **changes: object) -> tuple[str, StaffId, ApprovalId]:
    """A proposed account: its login, its id and the proposal."""
    wanted: dict[str, object] = {
        "username": f"new-{uuid4().hex[:12]}",
        "display_name": "新同事",
        "roles": [Role.REVIEWER],
        "area": JIANGCHENG,
        "password": PASSWORD,
        **changes,
    }
    id, approval = identity.propose_account(city, actor=manager, **wanted)  # type: ignore[arg-type]
    return str(wanted["username"]), id, approval


def stands(city: Core, id: StaffId) -> Staff:
    with city.transaction() as session:
        return identity.load_staff(session, staff=id)


def test_an_account_opens_when_a_second_person_agrees(
    city: Core, world: World, manager: Actor
) -> None:
    login, id, approval = proposed(city, manager)
    assert stands(city, id).status is StaffStatus.PROPOSED
    with pytest.raises(SignInRefused):
        identity.staff_sign_in(city, username=login, password=PASSWORD)
    approvals.approve(city, actor=world.approver, approval=approval)
    found = identity.staff_sign_in(city, username=login, password=PASSWORD)
    assert (found.id, found.roles, found.area) == (id, {Role.REVIEWER}, JIANGCHENG)


def test_a_first_password_is_changed_before_anything_else(
    city: Core, world: World, manager: Actor
) -> None:
    _, id, approval = proposed(city, manager)
    approvals.approve(city, actor=world.approver, approval=approval)
    session = claims_of(city, Face.ADMIN, issue(city, Face.ADMIN, id).access_token).session
    found = identity.at_work(city, subject=id, session=session)
    assert found is not None
    assert isinstance(found.refusal, PasswordChangeRequired)
    identity.change_password(
        city, actor=found.actor, old=PASSWORD, new="one that only I know", session=session
    )
    found = identity.at_work(city, subject=id, session=session)
    assert found is not None
    assert found.refusal is None


def test_a_refused_account_never_opens(city: Core, world: World, manager: Actor) -> None:
    login, id, approval = proposed(city, manager)
    approvals.reject(city, actor=world.approver, approval=approval, reason="不是本单位的人")
    assert stands(city, id).status is StaffStatus.CLOSED
    with pytest.raises(SignInRefused):
        identity.staff_sign_in(city, username=login, password=PASSWORD)


def test_no_secret_is_part_of_a_proposal(city: Core, world: World, manager: Actor) -> None:
    _, _, approval = proposed(city, manager)
    payload = approvals.get(city, actor=world.approver, approval=approval).payload
    assert set(payload) == {"staff", "username", "display_name", "roles", "area"}


def test_administrators_open_accounts_in_their_own_area_only(city: Core, world: World) -> None:
    county = world.staff(Role.ADMINISTRATOR, area=JIANGCHENG)
    proposed(city, county)
    for area in (YANGCHUN, "441700", ""):
        with pytest.raises(NotAllowed):
            proposed(city, county, area=area)
    for role in set(STAFF_ROLES) - {Role.ADMINISTRATOR}:
        with pytest.raises(NotAllowed):
            proposed(city, world.staff(role))


def test_an_account_is_for_a_division_that_there_is(city: Core, manager: Actor) -> None:
    with pytest.raises(InvalidInput):
        proposed(city, manager, area="999999")


@pytest.mark.parametrize("bad", ["taken", "short"])
def test_a_proposal_that_can_not_work_is_refused_at_once(
    city: Core, manager: Actor, bad: str
) -> None:
    login, _, _ = proposed(city, manager)
    if bad == "taken":
        with pytest.raises(UsernameTaken):
            proposed(city, manager, username=login)
    else:
        with pytest.raises(PasswordTooShort):
            proposed(city, manager, password="short")


def test_roles_change_as_proposed_and_sessions_end(
    city: Core, world: World, manager: Actor
) -> None:
    person = world.staff(Role.REVIEWER)
    assert person.id is not None
    id = StaffId(person.id)
    session = claims_of(city, Face.ADMIN, issue(city, Face.ADMIN, id).access_token).session
    approval = identity.propose_grant(
        city, actor=manager, staff=id, roles=[Role.PLANNER, Role.REVIEWER], area=JIANGCHENG
    )
    assert stands(city, id).roles == {Role.REVIEWER}
    with pytest.raises(AlreadyProposed):
        identity.propose_grant(city, actor=manager, staff=id, roles=[Role.FINANCE], area="")
    approvals.approve(city, actor=world.approver, approval=approval)
    found = stands(city, id)
    assert (found.roles, found.area) == ({Role.PLANNER, Role.REVIEWER}, JIANGCHENG)
    assert identity.at_work(city, subject=id, session=session) is None


def test_nobody_signs_for_a_change_of_their_own_roles(
    city: Core, world: World, manager: Actor
) -> None:
    approver = world.staff(Role.APPROVER)
    assert approver.id is not None
    approval = identity.propose_grant(
        city, actor=manager, staff=StaffId(approver.id), roles=[Role.FINANCE], area=""
    )
    with pytest.raises(OwnWork):
        approvals.approve(city, actor=approver, approval=approval)
    assert manager.id is not None
    with pytest.raises(NotAllowed):
        identity.propose_grant(
            city, actor=manager, staff=StaffId(manager.id), roles=[Role.APPROVER], area=""
        )


def test_a_reset_takes_password_and_factors_and_sessions(
    city: Core, world: World, manager: Actor
) -> None:
    _, id, approval = proposed(city, manager)
    approvals.approve(city, actor=world.approver, approval=approval)
    actor = Actor(ActorKind.STAFF, id, frozenset({Role.REVIEWER}), JIANGCHENG)
    login = stands(city, id).username
    identity.begin_otp(city, actor=actor)
    session = claims_of(city, Face.ADMIN, issue(city, Face.ADMIN, id).access_token).session
    other = "the desk told me this"
    approval = identity.propose_reset(city, actor=manager, staff=id, password=other)
    with pytest.raises(AlreadyProposed):
        identity.propose_reset(city, actor=manager, staff=id, password=other)
    assert identity.staff_sign_in(city, username=login, password=PASSWORD)
    approvals.approve(city, actor=world.approver, approval=approval)
    with pytest.raises(SignInRefused):
        identity.staff_sign_in(city, username=login, password=PASSWORD)
    assert identity.staff_sign_in(city, username=login, password=other).temporary_password
    assert identity.pending_otp(city, actor=actor) is None
    assert identity.at_work(city, subject=id, session=session) is None


def test_a_refused_reset_leaves_the_password_and_can_be_proposed_again(
    city: Core, world: World, manager: Actor
) -> None:
    login, id, approval = proposed(city, manager)
    approvals.approve(city, actor=world.approver, approval=approval)
    for _ in range(2):
        approval = identity.propose_reset(city, actor=manager, staff=id, password="not to be used")
        approvals.reject(city, actor=world.approver, approval=approval, reason="没有核对")
    assert identity.staff_sign_in(city, username=login, password=PASSWORD)


def test_a_closed_account_stays_closed(city: Core, world: World, manager: Actor) -> None:
    login, id, approval = proposed(city, manager)
    approvals.approve(city, actor=world.approver, approval=approval)
    approval = identity.propose_closing(city, actor=manager, staff=id)
    approvals.approve(city, actor=world.approver, approval=approval)
    assert stands(city, id).status is StaffStatus.CLOSED
    with pytest.raises(SignInRefused):
        identity.staff_sign_in(city, username=login, password=PASSWORD)
    with pytest.raises(NoSuchThing):
        identity.propose_closing(city, actor=manager, staff=id)


def test_a_colleague_elsewhere_is_nobody(city: Core, world: World) -> None:
    county = world.staff(Role.ADMINISTRATOR, area=JIANGCHENG)
    for area in (YANGCHUN, ""):
        other = world.staff(Role.PLANNER, area=area)
        assert other.id is not None
        with pytest.raises(NoSuchThing):
            identity.propose_closing(city, actor=county, staff=StaffId(other.id))
        with pytest.raises(NoSuchThing):
            identity.staff_account(city, actor=county, staff=StaffId(other.id))
        with pytest.raises(NoSuchThing):
            identity.end_sessions(city, actor=county, staff=StaffId(other.id))


def test_the_list_holds_the_area_and_goes_on_by_cursor(city: Core, world: World) -> None:
    area = YANGCHUN
    county = world.staff(Role.ADMINISTRATOR, area=area)
    made = {world.staff(Role.PLANNER, area=area).id for _ in range(4)} | {county.id}
    seen: list[Staff] = []
    cursor = None
    while True:
        page = identity.staff_page(city, actor=county, cursor=cursor, limit=2)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
    assert {one.area for one in seen} == {area}
    assert made <= {one.id for one in seen}
    assert [one.username for one in seen] == sorted(one.username for one in seen)
    with pytest.raises(NotAllowed):
        identity.staff_page(city, actor=world.planner, cursor=None, limit=2)


def test_which_roles_go_together_is_the_same_in_code_and_table(city: Core, world: World) -> None:
    for count in (1, 2, 3, len(STAFF_ROLES)):
        for roles in itertools.combinations(STAFF_ROLES, count):
            wanted = count == 1 or frozenset(roles) in TOGETHER
            try:
                check_roles(roles)
                allowed = True
            except RolesIncompatible:
                allowed = False
            assert allowed is wanted, roles
            assert _stored(city, world.planner, roles) is wanted, roles


def _stored(city: Core, person: Actor, roles: tuple[Role, ...]) -> bool:
    """Whether the table takes these roles; nothing is kept."""
    statement = text("UPDATE staff SET roles = CAST(:roles AS text[]) WHERE id = :id")
    values = {"roles": "{" + ",".join(roles) + "}", "id": person.id}
    with city.engine.connect() as connection:
        try:
            return bool(connection.execute(statement, values).rowcount)
        except IntegrityError as error:
            return not isinstance(error.orig, psycopg.errors.CheckViolation)
        finally:
            connection.rollback()
