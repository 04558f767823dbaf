"""A list is cut where a page ends, and its cursor says where it goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from voucher_service.kernel.page import Page, cut, decode_moment

AT = datetime(2026, 11, 23, 2, 30, 0, 125, tzinfo=UTC)
ROWS = [(AT, UUID(int=number)) for number in range(3)]


def test_what_fits_a_page_is_the_last_page() -> None:
    assert cut(ROWS, 3, lambda one: one) == Page(ROWS)
    assert cut([], 3, lambda one: one) == Page([])


def test_one_more_than_a_page_leads_on_from_the_last_one_shown() -> None:
    page = cut(ROWS, 2, lambda one: one)
    assert list(page.items) == ROWS[:2]
    assert decode_moment(page.next) == ROWS[1]
