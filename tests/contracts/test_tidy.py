"""Small files and functions, no drawers for odds and ends, no lies about time or money."""

from __future__ import annotations

import ast
import re
import tomllib

from tests.contracts.source import ROOT, everything, name, product, tree

MOST_LINES = 400
MOST_FUNCTION_LINES = 70
ODDS_AND_ENDS = {"utils", "util", "helpers", "common", "misc"}


def test_no_file_is_over_four_hundred_lines() -> None:
    long = {
        name(path): count
        for path in everything()
        if (count := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_no_function_is_over_seventy_lines() -> None:
    long = {
        f"{name(path)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in product()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MOST_FUNCTION_LINES
    }
    assert long == {}


def test_nothing_is_put_in_a_drawer_for_odds_and_ends() -> None:
    assert [name(path) for path in product() if path.stem in ODDS_AND_ENDS] == []


def test_no_instant_is_naive() -> None:
    naive = re.compile(r"datetime\.(now|utcnow)\(\)|utcfromtimestamp|fromtimestamp\([^,]*\)$")
    assert [name(path) for path in product() if naive.search(path.read_text("utf-8"))] == []


def test_no_float_stands_beside_fen() -> None:
    lines = [
        f"{name(path)}:{number}"
        for path in product()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"\bfloat\b", line) and "fen" in line
    ]
    assert lines == []


def test_public_things_say_what_they_do() -> None:
    silent = [
        f"{name(path)}:{node.name}"
        for path in product()
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert silent == []


def test_the_code_holds_no_figure_of_any_programme() -> None:
    figures = set()
    for file in sorted((ROOT / "config" / "programmes").glob("*.toml")):
        told = tomllib.loads(file.read_text("utf-8"))
        printed = told.get("published", {})
        figures |= {printed[one] for one in ("issued_fen", "leveraged_fen") if printed}
        for field in told.get("trade_in", ()):
            figures |= {field.get(f"{one}_fen", 0) for one in field.get("published", ())}
    shown = {figure // part for figure in figures for part in (1, 100, 100_000, 1_000_000)}
    held = [
        f"{name(path)}: {node.value}"
        for path in product()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
        and type(node.value) is int
        and node.value > 10_000
        and node.value in shown
    ]
    assert held == []
