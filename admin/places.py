"""The divisions that a planner may choose from."""

from __future__ import annotations

from voucher_service.infra import areas
from voucher_service.kernel.actor import Actor
from voucher_service.web.language import locale

PROVINCE = "44"


def choices(reader: Actor) -> list[tuple[str, str]]:
    """Codes and names: the reader's area and what lies in it, else every city and county."""
    roots = [reader.area] if reader.area else areas.children(PROVINCE)
    return [pair for root in roots for pair in below(root)]


def below(root: str) -> list[tuple[str, str]]:
    """A division and what lies right below it."""
    return [(code, areas.name(code, locale())) for code in (root, *areas.children(root))]
