"""Who mentions whom: the product's top-level functions and classes, and the names that they use.

To mention a function counts as calling it, so that nothing is missed that is handed on as a value.
What a module does while it is imported has a node of its own, except for registering executors.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from tests.contracts import source

REGISTER = "voucher_service.approvals.service.register"
IMPORTED = "<import>"


@dataclass
class Module:
    """A module: its own functions and classes, and what its other names stand for."""

    name: str
    own: dict[str, ast.AST] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    loose: list[ast.stmt] = field(default_factory=list)


@dataclass
class Calls:
    """The graph. Names are dotted: the module and the function or class."""

    uses: dict[str, set[str]]
    nodes: dict[str, ast.AST]

    @cached_property
    def _users(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for user, used in self.uses.items():
            for one in used:
                found[one].add(user)
        return found

    def users(self, name: str) -> set[str]:
        """Who mentions it."""
        return self._users.get(name, set())

    def roots(self, name: str, gates: frozenset[str]) -> set[str]:
        """Those nobody mentions from whom it can be reached without passing a gate."""
        seen, waiting, found = {name}, [name], set()
        while waiting:
            here = waiting.pop()
            if here in gates:
                continue
            above = self.users(here) - {here}
            if not above:
                found.add(here)
            waiting += above - seen
            seen |= above
        return found

    def reaching(self, name: str) -> set[str]:
        """Everything that mentions it, and what mentions that."""
        seen, waiting = {name}, [name]
        while waiting:
            above = self.users(waiting.pop()) - seen
            seen |= above
            waiting += above
        return seen


@cache
def calls() -> Calls:
    """The graph of the whole product."""
    modules = {one.name: one for one in map(_module, source.product())}
    uses: dict[str, set[str]] = defaultdict(set)
    nodes: dict[str, ast.AST] = {}
    for module in modules.values():
        for name, node in module.own.items():
            nodes[f"{module.name}.{name}"] = node
            uses[f"{module.name}.{name}"] |= set(_used([node], module, modules))
        uses[f"{module.name}.{IMPORTED}"] |= set(_used(module.loose, module, modules))
    return Calls(dict(uses), nodes)


def mentions(node: ast.AST) -> Iterator[str]:
    """The dotted names in a piece of source, as they are written."""
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute | ast.Name) and (dotted := _dotted(one)):
            yield dotted


def _module(path: Path) -> Module:
    parts = path.relative_to(source.ROOT).with_suffix("").parts
    package = list(parts[:-1])
    found = Module(".".join(package if parts[-1] == "__init__" else parts))
    for node in source.tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.own[node.name] = node
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            found.loose.append(node)
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Import):
            found.names |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            found.names |= {one.asname or one.name: f"{whole}.{one.name}" for one in node.names}
    return found


def _used(nodes: list[ast.AST] | list[ast.stmt], module: Module, modules: dict[str, Module]):
    for node in nodes:
        skipped = {
            id(inner)
            for one in ast.walk(node)
            if isinstance(one, ast.Call) and _meant(_dotted(one.func), module, modules) == REGISTER
            for argument in one.keywords
            for inner in ast.walk(argument)
        }
        for one in ast.walk(node):
            if id(one) not in skipped and isinstance(one, ast.Attribute | ast.Name):
                meant = _meant(_dotted(one), module, modules)
                if meant is not None:
                    yield meant


def _dotted(node: ast.AST) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _meant(dotted: str, module: Module, modules: dict[str, Module]) -> str | None:
    """The function or class of ours that a name of the module stands for."""
    first, _, rest = dotted.partition(".")
    if first in module.own:
        return f"{module.name}.{first}"
    if first not in module.names:
        return None
    return _found(f"{module.names[first]}.{rest}".rstrip("."), modules)


def _found(name: str, modules: dict[str, Module], depth: int = 0) -> str | None:
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = modules.get(".".join(parts[:cut]))
        if module is None:
            continue
        here = parts[cut]
        if here in module.own:
            return f"{module.name}.{here}"
        if here in module.names and depth < 9:
            rest = ".".join([module.names[here], *parts[cut + 1 :]])
            return _found(rest, modules, depth + 1)
        return None
    return None
