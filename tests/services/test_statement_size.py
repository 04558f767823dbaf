"""A statement of many orders is written in the memory of few."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.make import World
from tests.services.test_till_files import as_manager
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.reports import statement
from voucher_service.reports.shop_lines import Sought

# More orders like one that there is; reversed ones, so that the voucher may have had them all.
_MORE = text("""
INSERT INTO redemption
SELECT (jsonb_populate_record(r, jsonb_build_object(
    'id', gen_random_uuid(), 'order_reference', 'more-' || n, 'status', 'reversed',
    'key_hash', '\\x' || md5('key' || n), 'nonce', '\\x' || md5('nonce' || n)))).*
FROM redemption r, generate_series(1, :count) n
WHERE r.order_reference = 'first'
""")
MOST_BYTES = 12 * 1024 * 1024


@pytest.mark.parametrize("count", [5_000])
def test_many_orders_cost_no_more_memory_than_few(
    core: Core, world: World, tmp_path: Path, count: int
) -> None:
    manager: Actor = as_manager(world.cashier())
    world.redeem(world.claim(world.offer()), manager, reference="first")
    with core.transaction() as session:
        session.execute(_MORE, {"count": count})
    today = day_of(world.now())
    for format_ in ("csv", "xlsx"):
        path = tmp_path / f"statement.{format_}"
        tracemalloc.start()
        with path.open("wb") as out:
            statement.statement(
                core,
                actor=manager,
                sought=Sought(today, today),
                format_=format_,
                locale="zh-CN",
                out=out,
            )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MOST_BYTES, (format_, peak)
    lines = io.StringIO((tmp_path / "statement.csv").read_text("utf-8-sig")).readlines()
    assert len(lines) == count + 3  # the head, the first order and the total
