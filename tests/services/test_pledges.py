"""What others than the government promised a programme: entered by one, agreed to by another."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.faces.admin_desk import CHINESE, Desk, main_of
from tests.make import World
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import SamePerson
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import InvalidInput, NotAllowed
from voucher_service.kernel.ids import ApprovalId, ProgrammeId
from voucher_service.kernel.money import Money
from voucher_service.pledges import service
from voucher_service.redemption.model import Payer


def asked(
    world: World, slug: str, yuan: int, *, on: date, name: str = "样行", actor: Actor | None = None
) -> ApprovalId:
    return service.propose(
        world.core,
        actor=actor or world.planner,
        programme=slug,
        payer=Payer.BANK,
        name=name,
        amount=Money.of_yuan(yuan),
        pledged_on=on,
        document="阳银函〔2026〕3号",
    )


def standing(world: World, programme: ProgrammeId) -> dict[Payer, Money]:
    with world.core.transaction() as session:
        return service.standing(session, programme=programme)


def type_in(browser: FlaskClient, page: str, **typed: str) -> TestResponse:
    """Send the form of a new pledge."""
    form = browser.get(page).text.split('method="post" action="/reports/pledges"')[1]
    hidden = dict(
        re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.split("</form>")[0])
    )
    return browser.post("/reports/pledges", data=hidden | typed)


def test_what_a_bank_promised_counts_once_a_second_person_agreed(world: World) -> None:
    of = world.programme()
    today = day_of(world.now())
    both = Actor(world.planner.kind, world.planner.id, world.planner.roles | {Role.APPROVER}, "")
    first = asked(world, of.slug, 800, on=today - timedelta(days=9), actor=both)
    with pytest.raises(SamePerson):
        approvals.approve(world.core, actor=both, approval=first)
    assert standing(world, of.id) == {}
    world.approve(first)
    world.approve(asked(world, of.slug, 70, on=today, name="另一家"))
    assert standing(world, of.id) == {Payer.BANK: Money.of_yuan(870)}
    # An older paper that is entered late changes nothing, a newer one does, and 0 takes it back.
    for yuan, days, total in ((500, 20, 870), (600, 1, 670), (0, 0, 70)):
        world.approve(asked(world, of.slug, yuan, on=today - timedelta(days=days)))
        assert standing(world, of.id) == {Payer.BANK: Money.of_yuan(total)}
    refused = asked(world, of.slug, 999, on=today)
    approvals.reject(world.core, actor=world.approver, approval=refused, reason="没有依据")
    assert standing(world, of.id) == {Payer.BANK: Money.of_yuan(70)}
    page = service.pledges(
        world.core, actor=world.approver, programme=of.slug, cursor=None, limit=3
    )
    assert [one.status for one in page.items] == ["refused", "entered", "entered"]
    rest = service.pledges(
        world.core, actor=world.approver, programme=of.slug, cursor=page.next, limit=9
    )
    assert len(rest.items) == 3 and rest.next is None


def test_a_day_to_come_or_somebody_else_is_refused(world: World) -> None:
    of, today = world.programme(), day_of(world.now())
    with pytest.raises(InvalidInput):
        asked(world, of.slug, 1, on=today + timedelta(days=1))
    for actor in (world.approver, world.staff(Role.FINANCE, area="441702")):
        with pytest.raises(NotAllowed):
            asked(world, of.slug, 1, on=today, actor=actor)


def test_a_pledge_is_entered_by_page_and_read_by_who_signs(world: World) -> None:
    desk, of = Desk(world), world.programme()
    here = f"/reports/pledges?programme={of.slug}"
    browser = desk.browser(world.staff(Role.FINANCE))
    told = {"programme": of.slug, "payer": "merchant", "name": "江城商会", "document": "承诺书"}
    day = day_of(world.now()).isoformat()
    wrong = type_in(browser, here, **told, amount="一万", pledged_on=day)
    assert wrong.status_code == 422
    sent = type_in(browser, here, **told, amount="10,000", pledged_on=day)
    assert sent.status_code == 303
    signer = desk.browser(world.approver)
    proposal = main_of(signer.get(sent.headers["Location"]).text)
    assert "江城商会" in proposal and "¥10,000.00" in proposal and "商家让利" in proposal
    shown = browser.get(here).text
    assert "江城商会" in shown and "等待批准" in shown
    english = main_of(desk.browser(world.approver, "en").get(here).text)
    for own in ("江城商会", "承诺书", of.name):
        english = english.replace(own, "")
    assert CHINESE.findall(english) == []
