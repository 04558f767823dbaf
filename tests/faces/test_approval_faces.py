"""Approvals at the desk: what signers are shown, why two must sign, and answers that repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from tests.faces.admin_desk import CHINESE, Desk, refused
from tests.make import JIANGCHENG, World
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Programme
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.ids import ApprovalId


def submitted(
    world: World, quota: int = 10, programme: Programme | None = None, **plan: int
) -> tuple[UUID, ApprovalId]:
    """A campaign and its proposal."""
    draft = world.draft(programme=programme)
    wanted = world.plan(quota=quota, **plan)
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=wanted)
    world.line(draft.id, wanted.face_value * quota)
    return draft.id, campaigns.submit(world.core, actor=world.planner, campaign=draft.id)


def test_a_caller_is_told_what_it_can_cost_how_many_sign_why_and_until_when(
    desk: Desk, world: World
) -> None:
    _, proposal = submitted(world, 30_000)
    shown = desk.get(world.approver, f"/approvals/{proposal}").json
    assert (shown["amount_fen"], shown["signatures_needed"]) == (60_000_000, 2)
    assert shown["why"] == [{"rule": "amount", "signatures": 2, "judged_fen": 60_000_000}]
    waits = datetime.fromisoformat(shown["expires_at"])
    assert (waits - datetime.fromisoformat(shown["proposed_at"])).days == 14
    assert shown["simulation"]["worst_case_fen"] == 60_000_000
    first = desk.post(world.approver, f"/approvals/{proposal}/approve").json
    assert (first["status"], len(first["signatures"])) == ("waiting", 1)
    second = desk.post(world.staff(Role.APPROVER), f"/approvals/{proposal}/approve").json
    assert second["status"] == "executed"


def test_the_same_key_is_the_same_answer_and_says_so(desk: Desk, world: World) -> None:
    _, proposal = submitted(world)
    key = {"Idempotency-Key": uuid4().hex}
    path = f"/approvals/{proposal}/approve"
    first = desk.call(world.approver, "POST", path, None, **key)
    again = desk.call(world.approver, "POST", path, None, **key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == first.json
    refused(desk.post(world.approver, path), 409, "already_decided")


def test_a_simulation_is_for_those_who_may_see_the_campaign(desk: Desk, world: World) -> None:
    draft, _ = submitted(world)
    path = f"/campaigns/{draft}/simulation"
    shown = desk.get(world.planner, path)
    assert shown.status_code == 200
    assert shown.json["per_resident"] == {"vouchers": 1, "fen": 2_000}
    assert sum(one["worst_fen"] for one in shown.json["funders"]) == 20_000
    refused(desk.get(world.staff(Role.PLANNER, area=JIANGCHENG), path), 404, "not_found")
    refused(desk.get(world.planner, f"/campaigns/{uuid4()}/simulation"), 404, "not_found")


def test_an_approver_finds_what_waits_the_deadline_and_the_seals(desk: Desk, world: World) -> None:
    _, proposal = submitted(world, 30_000)
    mine = desk.browser(world.approver)
    listed = mine.get("/approvals").text
    waiting = listed[listed.index("等我盖章") : listed.index('id="h-all"')]
    assert f"/approvals/{proposal}" in waiting
    assert "已盖 0 / 2 个章" in waiting
    page = mine.get(f"/approvals/{proposal}").text
    assert "最多动用 ¥600,000.00，提案之外要 2 个人批准" in page
    assert "还要 1 个人盖章才生效" in page
    desk.post(world.approver, f"/approvals/{proposal}/approve")
    assert f"/approvals/{proposal}" not in waiting_part(mine.get("/approvals").text)
    assert "您已经盖过章" in mine.get(f"/approvals/{proposal}").text


def waiting_part(page: str) -> str:
    return page[page.index("等我盖章") : page.index('id="h-all"')]


def test_differences_stand_before_the_buttons(desk: Desk, world: World) -> None:
    programme = world.programme()
    world.claim(
        world.offer(world.plan(face=19, threshold=200), campaign=world.draft(programme=programme))
    )
    _, proposal = submitted(world, programme=programme, face=19, threshold=20)
    page = desk.browser(world.approver).get(f"/approvals/{proposal}").text
    assert page.index("有几项比上一次放宽了") < page.index("批准并盖章")
    assert page.index("预计发放") < page.index("批准并盖章")
    assert "95.0%" in page
    assert "优惠比例超过规定" in page


def test_a_planner_sees_the_simulation_before_submitting(desk: Desk, world: World) -> None:
    page = desk.browser(world.planner).get(f"/campaigns/{desk.planned()}").text
    assert "会花多少" in page
    assert "一个人最多" in page


def test_who_planned_it_is_told_why_there_is_no_button(desk: Desk, world: World) -> None:
    draft, plan = world.draft(), world.plan()
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, plan.face_value * plan.quota)
    other = world.staff(Role.PLANNER)
    proposal = campaigns.submit(world.core, actor=other, campaign=draft.id)
    page = desk.browser(world.planner).get(f"/approvals/{proposal}").text
    assert "您参与过编制，不能批" in page
    assert "批准并盖章" not in page


def test_what_has_no_reading_of_its_own_reads_as_a_plain_table(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: Session, __: Mapping[str, Any], ___: Actor, ____: datetime) -> None:
        """Changes nothing."""

    monkeypatch.setitem(approvals._EXECUTORS, "test.plain", (nothing, nothing))
    payload = {
        "amount_fen": 1_234_500,
        "funder": "市财政局",
        "caps": [{"day": "2026-11-25", "cap_fen": 100}],
        "roles": ["planner", "auditor"],
        "opens_at": "2026-11-25T02:00:00+00:00",
        "urgent": True,
        "note": None,
    }
    with world.core.transaction() as session:
        proposal = approvals.propose(
            session,
            action="test.plain",
            object_type="test",
            object_id=uuid4(),
            area="441700",
            title="别的事",
            payload=payload,
            maker=world.planner,
            now=core_now(world, session),
        )
    page = desk.browser(world.approver).get(f"/approvals/{proposal}").text
    facts = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    assert ("金额", "¥12,345.00") in facts
    assert ("出资方", "市财政局") in facts
    assert ("caps · 1 · 上限", "¥1.00") in facts
    assert ("岗位", "planner、auditor") in facts
    assert ("urgent", "是") in facts
    assert ("说明", "–") in facts
    assert "{" not in "".join(value for _, value in facts)


def core_now(world: World, session: Session) -> datetime:
    return world.core.now(session)


def test_english_readers_find_no_chinese_but_names(desk: Desk, world: World) -> None:
    programme = world.programme()
    offer = world.offer(campaign=world.draft(programme=programme))
    world.redeem(world.claim(offer))
    _, proposal = submitted(world, 30_000, programme, face=60, threshold=100)
    reader = desk.browser(world.approver, "en")
    names = {"惠利金秋", "第一场", "满", "减", "出资方", "别的事"}
    for path in ("/approvals", f"/approvals/{proposal}"):
        text = re.sub(r"<[^>]+>", " ", reader.get(path).text)
        main = text[text.index("Approvals") :]
        left = {one for one in CHINESE.findall(main) if one not in names}
        assert left - {"中文"} == set(), path
