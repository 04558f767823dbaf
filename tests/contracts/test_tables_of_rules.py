"""Lifecycles are total, errors are said in every language, settings are documented, and scripts
match their callers.
"""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from tests.contracts.source import ROOT
from voucher_service import docs, settings
from voucher_service.kernel.errors import KINDS
from voucher_service.kernel.machine import Machine

OWN = ("", "_PUBLIC", "_OWNER")


@pytest.mark.parametrize("machine", docs.MACHINES, ids=lambda machine: machine.name)
def test_a_lifecycle_is_total(machine: Machine) -> None:
    states = type(machine.initial)
    assert set(machine.table) == set(states)
    events = [event for edges in machine.table.values() for event in edges]
    assert all(str(event).startswith(f"{machine.name}.") for event in events)
    module = next(
        module
        for module in map(importlib.import_module, _model_modules())
        if machine in vars(module).values()
    )
    tables = [value for key, value in vars(module).items() if key.endswith(("PUBLIC", "OWNER"))]
    mine = [table for table in tables if all(type(state) is states for state in table)]
    assert [set(table) for table in mine] == [set(states)] * 2


def _model_modules() -> list[str]:
    packages = (
        "budgets",
        "campaigns",
        "lotteries",
        "pushes",
        "stops",
        "vouchers",
        "redemption",
        "disputes",
        "pledges",
        "reconciliation.differences",
        "approvals",
        "alarms",
        "identity",
        "merchants",
        "goods",
        "tradein.applications",
        "tradein.revisions",
        "tradein.review",
    )
    models = [f"voucher_service.{package}.model" for package in packages]
    others = (
        "campaigns.canary",
        "campaigns.lifecycles",
        "merchants.accounts",
        "merchants.onboarding",
        "reconciliation.differences.uploads",
        "settlement.lifecycles",
        "tradein.qualifications",
    )
    return [*models, *(f"voucher_service.{other}" for other in others)]


def test_the_state_diagrams_are_fresh() -> None:
    assert (ROOT / "docs" / "states.md").read_text("utf-8") == docs.states()


def test_every_refusal_has_one_kind_a_code_of_its_own_and_a_reason() -> None:
    codes: dict[str, str] = {}
    for leaf in docs.leaves():
        kinds = [kind for kind in KINDS if issubclass(leaf, kind)]
        assert len(kinds) == 1, leaf
        assert re.fullmatch(r"[a-z][a-z0-9_]*", leaf.code), leaf
        assert inspect.getdoc(leaf), leaf
        assert codes.setdefault(leaf.code, leaf.__qualname__) == leaf.__qualname__, leaf.code


def test_every_refusal_is_said_in_chinese_and_english() -> None:
    from voucher_service.i18n import sentences

    silent = [leaf.code for leaf in docs.leaves() if leaf.code not in sentences.TEXT]
    assert silent == []


def test_every_refusal_is_documented() -> None:
    assert (ROOT / "docs" / "errors.md").read_text("utf-8") == docs.errors()


def test_every_setting_is_documented_and_no_file_knows_another() -> None:
    text = (ROOT / "config" / "default.toml").read_text("utf-8")
    values = tomllib.loads(text)
    hints = get_type_hints(settings.Settings)
    known = {
        (field.name, key)
        for field in fields(settings.Settings)
        if field.name != "env"
        for key in get_type_hints(hints[field.name])
    }
    assert {(section, key) for section in values for key in values[section]} == known
    keys = [line for line in text.splitlines() if re.match(r"\w+ = ", line)]
    assert [line for line in keys if " # " not in line] == []


def test_production_refuses_development_secrets() -> None:
    servers = {
        f"VOUCHER__{name}__URL": f"{scheme}://127.0.0.1/0"
        for name, scheme in (("DATABASE", "postgresql"), ("GATE", "redis"), ("QUEUE", "redis"))
    }
    with pytest.raises(settings.SettingsError, match="token_key"):
        settings.load({"VOUCHER_ENV": "production", **servers})


def test_a_secret_in_a_file_is_read_and_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "token"
    name = "VOUCHER__SECRETS__TOKEN_KEY_FILE"
    with pytest.raises(settings.SettingsError, match=f"{name}: {kept} can't be read"):
        settings.load({"VOUCHER_ENV": "test", name: str(kept)})
    kept.write_text("a secret of its own, long enough\n", "utf-8")
    found = settings.load({"VOUCHER_ENV": "test", name: str(kept)})
    assert found.secrets.token_key == "a secret of its own, long enough"


def test_lua_headers_tell_what_their_callers_send() -> None:
    for path in sorted((ROOT / "voucher_service" / "allocation" / "lua").glob("*.lua")):
        header = path.read_text("utf-8").split("\nif ")[0].split("\nlocal ")[0]
        assert re.search(r"^-- KEYS ", header, re.M), path
        assert re.search(r"^-- ARGV ", header, re.M), path
        assert re.search(r"^-- Returns ", header, re.M), path
        numbered = {int(n) for n in re.findall(r"(?:ARGV|  )\s*(\d+)", header)}
        used = {int(n) for n in re.findall(r"ARGV\[(\d+)\]", path.read_text("utf-8"))}
        assert used <= numbered, path
