"""The page of the books tells which slots differ, and which gates were filled again."""

from __future__ import annotations

import pytest

from tests.faces.admin_desk import Desk
from tests.make import World
from voucher_service.allocation import upkeep
from voucher_service.infra.core import Core
from voucher_service.infra.redis import connect
from voucher_service.kernel.actor import Role
from voucher_service.vouchers import service as vouchers


def page(world: World, language: str = "zh-CN") -> str:
    browser = Desk(world).browser(world.staff(Role.FINANCE), language)
    answer = browser.get("/books")
    assert answer.status_code == 200
    return answer.text


def test_slots_that_differ_are_told_until_the_gate_is_filled_again(
    core: Core, world: World
) -> None:
    offer = world.offer()
    vouchers.prepare_gate(core, offer=offer.id, refill=True)
    text = page(world)
    assert ("一致" in text, "没人领得到" in text, "还没有重装过" in text) == (True, False, True)
    core.gate.lpop(f"gate:{{{offer.id.hex}}}:free:1")
    assert "1 个没人领得到" in page(world)
    watch = upkeep.Watch(vouchers.GATED)
    assert [watch(core), watch(core)] == [0, 1]
    english = page(world, "en")
    assert "None was filled again yet" not in english
    assert "1 that nobody can claim" in english, "in the list of repairs"
    assert page(world).count("1 个没人领得到") == 1


def test_the_page_says_when_the_gate_does_not_answer(
    core: Core, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.offer()
    monkeypatch.setitem(core.__dict__, "gate", connect("redis://127.0.0.1:1/0", 0.2))
    assert "闸口没有应答" in page(world)
