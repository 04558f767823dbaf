"""Servers of a module's own, to be killed, and a core on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voucher_service import migrate
from voucher_service import settings as settings_module
from voucher_service.infra.core import Core, build
from voucher_service.infra.embedded.servers import DATABASE, GATE, QUEUE, Servers
from voucher_service.vouchers import refusals


@contextmanager
def servers_in(folder: Path) -> Iterator[Servers]:
    """Durable servers, migrated: what was acknowledged must survive."""
    running = Servers(folder, durable=True)
    running.start()
    migrate.upgrade(running.owner_url)
    yield running
    running.stop()


@contextmanager
def core_on(servers: Servers, **more: str) -> Iterator[Core]:
    """A core on them; `more` are further settings, as the environment names them."""
    urls = {
        "VOUCHER_ENV": "test",
        "VOUCHER__DATABASE__URL": servers.url(DATABASE),
        "VOUCHER__GATE__URL": servers.url(GATE),
        "VOUCHER__QUEUE__URL": servers.url(QUEUE),
    }
    made = build(settings_module.load(urls | more))
    yield made
    refusals.flush(made)
    made.close()
