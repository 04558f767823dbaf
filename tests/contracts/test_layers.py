"""Storage is private to its feature, and only `audit.transition` writes a status."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

from tests.contracts.source import ROOT, features, imports, name, product, tree

PRIVATE = re.compile(r"voucher_service\.(\w+)\.(?:\w+\.)*?(tables|(?:\w+_)?store|gate)\b")
# Who may: reports read every table; `tables` collects them for migrations; a mixin is no storage;
# the simulation hands the claim's own flows the rows that they work on;
# a synthetic book is loaded into them as the services would have filled them.
READERS = {
    "reports": ("tables",),
    "tables.py": ("tables",),
    "simulation": ("tables",),
    "synthesis": ("tables",),
}
# The claim's batch speaks to the gate that allocation admitted it through.
# And a synthetic voucher's codes carry what a claim would have given it.
NAMED = {
    ("vouchers", "voucher_service.allocation.gate"),
    ("synthesis", "voucher_service.vouchers.store"),
}


def test_imports_point_down() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_only_a_feature_touches_its_own_storage() -> None:
    trespasses, known = [], features()
    for path in product():
        parts = path.relative_to(ROOT).parts
        home = parts[1] if len(parts) > 1 else parts[0]
        for module in imports(path):
            found = PRIVATE.match(module)
            if found is None or found[1] not in known:
                continue
            allowed = found[2] in READERS.get(home, ())
            named = (home, found[0]) in NAMED
            if found[1] != home and not allowed and not named:
                trespasses.append(f"{name(path)} -> {module}")
    assert sorted(set(trespasses)) == []


def test_only_the_audit_trail_writes_a_status() -> None:
    writers = []
    for path in product():
        for node in ast.walk(tree(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "values"
                and any(keyword.arg == "status" for keyword in node.keywords)
            ):
                writers.append(name(path))
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Attribute) and target.attr == "status"
                for target in node.targets
            ):
                writers.append(name(path))
        if re.search(r"UPDATE \w+ SET[^;]*\bstatus\s*=", path.read_text("utf-8")):
            writers.append(name(path))
    assert set(writers) == {"voucher_service/audit/service.py"}


def test_faces_and_jobs_run_on_the_servers_clock() -> None:
    set_clocks = [
        name(path)
        for path in product()
        if path.relative_to(ROOT).parts[:2]
        in {
            ("voucher_service", "resident"),
            ("voucher_service", "jobs"),
            ("voucher_service", "web"),
        }
        or path.relative_to(ROOT).parts[0] in {"merchant_portal", "admin"}
        for module in imports(path)
        if module.endswith(("core.with_clock", "clock.Clock"))
    ]
    assert set_clocks == []
