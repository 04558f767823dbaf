"""The example till against our own face, also when replies are lost."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from tests.contracts.source import ROOT
from tests.faces.sandbox_stand import Stand, stand
from tests.make import World

EXAMPLE = ROOT / "examples" / "pos" / "till.py"


@pytest.fixture(scope="module")
def face(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Our own face with a sandbox."""
    with stand(world, tmp_path_factory.mktemp("till")) as found:
        yield found


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """The example, imported."""
    spec = importlib.util.spec_from_file_location("pos_example", EXAMPLE)
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def till(module: ModuleType, face: Stand) -> Any:
    """Its till."""
    return module.Till(face.url, face.key, face.key_id)


def reference() -> str:
    """An order's."""
    return f"e-{uuid4().hex}"


def test_it_runs_as_its_readme_says(face: Stand) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLE, face.url, face.key, face.key_id],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "redeemed: the customer pays 10000 fen" in done.stdout
    assert "then committed" in done.stdout
    assert "refused: code_expired" in done.stdout


def test_a_lost_reply_costs_nothing(
    till: Any, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, order, real = till.test_code(), reference(), till.call
    lost: list[str] = []

    def cut(method: str, path: str, *rest: Any) -> Any:
        answer = real(method, path, *rest)
        if path == "/redemptions" and len(lost) < 2:
            lost.append(answer["id"])
            raise module.Unknown
        return answer

    monkeypatch.setattr(till, "call", cut)
    done = till.redeem(code["code"], code["order_amount_fen"], order)
    assert lost == [done["id"]] * 2
    assert till.state(order)["status"] == "committed"


def test_when_nothing_comes_back_the_order_is_found_or_reversed(
    till: Any, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, order, real = till.test_code(), reference(), till.call

    def deaf(method: str, path: str, *rest: Any) -> Any:
        if path.startswith("/redemptions?") or path == "/redemptions":
            raise module.Unknown
        return real(method, path, *rest)

    monkeypatch.setattr(till, "call", deaf)
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    with pytest.raises(module.Refused) as refused:
        till.redeem(code["code"], code["order_amount_fen"], order)
    assert refused.value.code == "reversed"
    monkeypatch.undo()
    assert till.state(order)["status"] == "refused"
    with pytest.raises(module.Refused) as late:
        till.call(
            "POST",
            "/redemptions",
            {**_order(code), "order_reference": order},
            uuid4().hex,
        )
    assert late.value.code == "order_refused"


def test_refusals_reach_the_cashier(till: Any, module: ModuleType) -> None:
    code = till.test_code("below_threshold")
    with pytest.raises(module.Refused) as refused:
        till.redeem(code["code"], code["order_amount_fen"], reference())
    assert (refused.value.status, refused.value.code) == (422, "below_threshold")
    assert refused.value.detail


def test_it_is_short_enough_to_read() -> None:
    assert len(EXAMPLE.read_text("utf-8").splitlines()) < 200


def _order(code: dict[str, Any]) -> dict[str, Any]:
    return {"code": code["code"], "order_amount_fen": code["order_amount_fen"]}
