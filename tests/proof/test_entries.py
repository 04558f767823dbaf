"""What of an entry is told in clear, and that one line stands for one entry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from voucher_service.proof.entry import PLAIN, Event, line, persons

NOW = datetime(2026, 9, 23, 4, 0, tzinfo=UTC)
ZHANG = "0198f3a0-0000-7000-8000-000000000001"


def event(detail: dict[str, Any] | None, about: str = "voucher", actor: str = "system") -> Event:
    """A record."""
    return Event(7, NOW, actor, "changed", about, ZHANG, None, "live", detail)


def told(entry: Event) -> str:
    """Its line, with a salt for each who needs one."""
    return line(3, entry, {one: one.encode()[:16] for one in persons(entry)})


@given(st.text(min_size=1, max_size=20), st.text(min_size=8, max_size=40))
def test_what_nobody_thought_of_is_hashed(key: str, value: str) -> None:
    shown = told(event({key: value}))
    if key not in PLAIN:
        assert "event:7" in persons(event({key: value}))
        assert value not in shown.partition('"{')[2].partition(":")[2]


def test_figures_stand_and_persons_do_not() -> None:
    shown = told(event({"amount_fen": 5000, "name": "张三", "note": {"mobile": "13800138000"}}))
    assert '""amount_fen"":5000' in shown
    assert "13800138000" not in shown
    assert "\\u5f20" not in shown
    by = told(event(None, "resident", f"resident:{ZHANG}"))
    assert ZHANG not in by
    assert ZHANG not in told(event({"ids": [ZHANG]}, "cashier"))
    assert f'""ids"":[""{ZHANG}""]' in told(event({"ids": [ZHANG]}))


@given(st.lists(st.text(max_size=12), min_size=2, max_size=2))
def test_a_field_cannot_run_over_into_the_next(texts: list[str]) -> None:
    one, two = texts
    first = Event(1, NOW, "system", one, "thing", two, None, None, None)
    other = Event(1, NOW, "system", one + two, "thing", "", None, None, None)
    assert (line(0, first, {}) == line(0, other, {})) == ((first.action, two) == (one + two, ""))
    assert "\n" not in line(0, first, {})
