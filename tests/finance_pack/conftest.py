"""A batch with everything in it: refunds, a debt, holds, a merchant without an account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import NOON, fresh_database, settings_on
from tests.finance_pack.batches import Told, played
from tests.make import World
from tests.settlement.offices import Office
from voucher_service.infra.core import build, with_clock
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.clock import Clock


@pytest.fixture(scope="module")
def told(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with fresh_database(servers) as url:
        core = build(settings_on(servers, url, tmp_path_factory.mktemp("outbox") / "sms.jsonl"))
        owner = servers.url("postgres", postgres.OWNER)
        yield played(Office(World(with_clock(core, Clock(NOON))), owner))
        core.close()
