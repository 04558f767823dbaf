"""A database for each test: a day has one batch, and whatever is unpaid is in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.conftest import NOON, fresh_database, settings_on
from tests.make import World
from tests.settlement.offices import Office
from tests.tradein.counter import Counter, known_goods
from tests.tradein.raised import Shop
from tests.tradein.town import open_town
from voucher_service.infra.core import build, with_clock
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.clock import Clock


@pytest.fixture
def office(servers: Servers, tmp_path: Path) -> Iterator[Office]:
    with fresh_database(servers) as url:
        core = build(settings_on(servers, url, tmp_path / "sms.jsonl"))
        owner = make_url(servers.url("postgres", postgres.OWNER))
        owner = owner.set(database=make_url(url).database)
        told = owner.render_as_string(hide_password=False)
        yield Office(World(with_clock(core, Clock(NOON))), told)
        core.close()


@pytest.fixture
def shop(office: Office) -> Iterator[Shop]:
    """A counter that sells with subsidies, in the city of the office."""
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(office.world.core, patch)
        known_goods(town)
        office.world = town.world
        yield Shop(Counter(town, town.pool(release_quota=1_000)))
