"""Who proposes, who executes and what a face can change, found by walking over app and source."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Collection

from flask import Flask

from tests.contracts.calls import calls
from voucher_service.approvals import service as approvals


def changing(app: Flask) -> dict[str, str]:
    """Every changing route with the name of its view."""
    return {
        rule.rule: name_of(inspect.unwrap(app.view_functions[rule.endpoint]))
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    }


def executors() -> frozenset[str]:
    """What runs when a proposal is approved or refused."""
    return frozenset(name_of(one) for both in approvals._EXECUTORS.values() for one in both)


def proposed_about() -> set[str]:
    """The types of object that proposals are about."""
    found = set()
    for name, node in calls().nodes.items():
        module = importlib.import_module(name.rpartition(".")[0])
        for one in ast.walk(node):
            if isinstance(one, ast.Call) and called(one) == "propose":
                values = [key.value for key in one.keywords if key.arg == "object_type"]
                found |= {eval(ast.unparse(value), vars(module)) for value in values}
    return found


def changes(node: ast.AST, *, rows: Collection[str], columns: Collection[str]) -> bool:
    """Whether a guarded row is made or changed here, or a guarded column set."""
    if isinstance(node, ast.Assign):
        parts = [one for target in node.targets for one in ast.walk(target)]
        return any(isinstance(one, ast.Attribute) and one.attr in columns for one in parts)
    if not isinstance(node, ast.Call):
        return False
    written = called(node) in {"update", "insert", "delete"} and node.args
    changed = node.args[0].id if written and isinstance(node.args[0], ast.Name) else ""
    return called(node) in rows or changed in rows


def called(node: ast.Call) -> str:
    """The last name of what a call calls."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def name_of(function: Callable[..., object]) -> str:
    """The whole name of a function."""
    return f"{function.__module__}.{function.__qualname__}"
