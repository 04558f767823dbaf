"""Mismatches of every kind are planted among thousands of lines: all are found, none invented."""

from __future__ import annotations

import io

from sqlalchemy import make_url

from tests.make import World
from tests.reconciliation import planted
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.clock import day_of
from voucher_service.reconciliation.differences import formats, service, writing
from voucher_service.reconciliation.differences.layout import Days


def test_what_is_planted_is_found_and_nothing_else(
    world: World, servers: Servers, database_url: str
) -> None:
    lines, out = 3_000, io.BytesIO()
    spoilt = planted.plan(lines, seed=7)
    url = planted.superuser(servers, make_url(database_url).database)
    noon = planted.begin(world)
    planted.fill(url, lines, spoilt, noon)
    writing.write(formats.get(planted.FORMAT), planted.bill(lines, spoilt, noon), out)
    out.seek(0)
    service.take(
        world.core,
        actor=SYSTEM,
        format=planted.FORMAT,
        file_name="bill.csv",
        source=out,
        days=Days.said(day_of(noon)),
    )
    assert planted.found_in(url) == planted.expected(spoilt)
