"""Where a run stands: its servers, its city, and what a window needs from them."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import redis

from voucher_service import serving
from voucher_service import settings as settings_module
from voucher_service.infra.core import build
from voucher_service.vouchers import code as codes

from . import city as city_module
from . import requests
from .city import THRESHOLD, City, Opened

# One counter an offer for the baselines, which our own schema does not need.
_STOCK = (
    "CREATE TABLE bench_stock (offer_id uuid PRIMARY KEY, remaining int NOT NULL)",
    "GRANT SELECT, INSERT, UPDATE ON bench_stock TO voucher_app",
)
_TO_REDEEM = "SELECT code_ref FROM voucher WHERE offer_id = %s"


@dataclass
class Stand:
    """Servers, city, and the environment of every server under test: production, fresh secrets."""

    data: Path
    environment: Mapping[str, str]
    city: City
    gate: redis.Redis
    owner_url: str
    _unspent: list[int] = field(default_factory=list)
    _sold_out: Opened | None = None
    _issued: dict[int, Opened] = field(default_factory=dict)
    _categories: list[tuple[str, int]] = field(default_factory=list)
    _orders: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def database_url(self) -> str:
        """The database, as the role that the faces have."""
        return self.city.core.settings.database.url

    def sold_out(self) -> Opened:
        """The offer that has nothing left."""
        self._sold_out = self._sold_out or self.city.sold_out_offer()
        return self._sold_out

    def issued(self, count: int) -> tuple[Opened, int]:
        """The offer that gave out that many before the first window, and a number for this one."""
        if count not in self._issued:
            self._issued[count] = self.city.issued_offer(count)
        return self._issued[count], next(self._orders)

    def unclaimed(self, count: int) -> tuple[str, list[str]]:
        """A category, and tokens of residents of whom none has claimed one of it."""
        self._categories = self._categories or [(one, 0) for one in self.city.pools()]
        category, first = self._categories.pop(0)
        tokens = self.city.tokens[first : first + count]
        assert tokens, "everybody has one of each category"
        self._categories.append((category, first + count))
        return category, tokens

    def counted_offer(self) -> Opened:
        """A fresh offer with the counters of the baselines."""
        offer, quota = self.city.offer(gate=False), len(self.city.residents)
        with psycopg.connect(self.database_url) as connection:
            connection.execute("INSERT INTO bench_stock VALUES (%s, %s)", [offer.id, quota])
        self.gate.set(f"bench:{offer.id}", quota)
        return offer

    def orders(self, count: int) -> list[bytes]:
        """Redemptions of that many claimed vouchers, to be sent within half a minute."""
        while (missing := count - len(self._unspent)) > 0:
            self._unspent += self._references(self.city.claimed_offer(missing))
        seconds = self.city.core.settings.till.code_window_seconds
        window = codes.window_of(datetime.now(UTC), seconds)
        return [
            self._order(
                codes.make(
                    self.city.core.keyring, code_ref=one, window=window, window_seconds=seconds
                ).text
            )
            for one in self._unspent[:count]
        ]

    def spent(self, count: int) -> None:
        """The first so many of those orders were sent, or may have been."""
        del self._unspent[:count]

    def _references(self, offer: Opened) -> list[int]:
        with psycopg.connect(self.database_url) as connection:
            rows = connection.execute(_TO_REDEEM, [offer.id]).fetchall()
        return [reference for (reference,) in rows]

    def _order(self, code: str) -> bytes:
        number = next(self._orders)
        order = {
            "code": code,
            "order_amount_fen": THRESHOLD.fen + number % 10_000,
            "order_reference": f"bench-{number}",
        }
        return requests.redemption(number, self.city.tills[number % len(self.city.tills)], order)


@contextmanager
def standing(data: Path, residents: int) -> Iterator[Stand]:
    """Start durable servers in `data` (new), make the city; stop them at the end."""
    outside = {key: value for key, value in os.environ.items() if not key.startswith("VOUCHER")}
    with serving.servers(data, durable=True, environ=outside) as addresses:
        environment = serving.environment_for(addresses, data, outside) | _production(data)
        core = build(settings_module.load(environment))
        with psycopg.connect(addresses.database_owner_url, autocommit=True) as owner:
            for statement in _STOCK:
                owner.execute(statement)
        environment["VOUCHER__DATABASE__OWNER_URL"] = ""
        try:
            city = city_module.build(core, residents)
            gate = redis.Redis.from_url(addresses.gate_url)
            yield Stand(data, environment, city, gate, addresses.database_owner_url)
        finally:
            core.close()


def _production(data: Path) -> dict[str, str]:
    folder = data / "channel-files"
    folder.mkdir(exist_ok=True)
    uses = ("code", "field", "lookup", "ledger", "webhook", "log", "backup")
    return {
        "VOUCHER_ENV": "production",
        "VOUCHER__SECRETS__TOKEN_KEY": secrets.token_hex(32),
        **{f"VOUCHER__SECRETS__{use.upper()}_KEYS": f"1:{secrets.token_hex(32)}" for use in uses},
        "VOUCHER__WEB__PROXIES": "1",
        "VOUCHER__MATCHING__FOLDER": str(folder),
    }
