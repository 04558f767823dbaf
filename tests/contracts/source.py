"""The product's source, read as text and as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("voucher_service", "merchant_portal", "admin")


def features() -> frozenset[str]:
    """The packages that setup.cfg calls features."""
    parsed = ConfigParser(interpolation=None)
    parsed.read(ROOT / "setup.cfg", "utf-8")
    named = parsed["importlinter:contract:features-know-no-web"]["source_modules"].split()
    return frozenset(one.removeprefix("voucher_service.") for one in named)


def product() -> list[Path]:
    """Every Python file of the product."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def everything() -> list[Path]:
    """Every Python file of the repository: product, migrations, tests, tools."""
    folders = (*PACKAGES, "migrations", "tests", "tools", "benchmarks")
    return sorted(path for name in folders for path in (ROOT / name).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """The absolute names of the modules a file imports, relative ones resolved."""
    package = list(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: -node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    """A file's path inside the repository."""
    return str(path.relative_to(ROOT))
