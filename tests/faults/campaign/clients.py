"""Residents with phones: they claim, ask again with the same key when unsure, and write it down."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from .journal import Journal

_TIMEOUT_SECONDS = (2.0, 6.0)
_PATIENCE_SECONDS = 40.0
_GIVES_UP = 0.3  # part of the residents that an error sends away
_ASKS_AGAIN = 0.1  # part that reloads the page after a success
_TAPS_TWICE = 0.05  # part whose first request is sent twice at the same moment
_WANTS_MORE = 0.15  # part that was there before and comes with a new key
_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Resident:
    """Who claims, and with which access token."""

    id: UUID
    token: str


@dataclass(frozen=True)
class Told:
    """One answer; status 0 when none came."""

    status: int
    code: str = ""
    voucher: str = ""
    content: str = ""
    holds: tuple[str, ...] = ()
    wait_seconds: float = 0.0
    replayed: bool = False


@dataclass
class Market:
    """What the residents are after, told to all of them at once. `sold_out` counts refusals."""

    port: int
    offers: tuple[str, ...] = ()
    sold_out: Counter[str] = field(default_factory=Counter)
    good: list[int] = field(default_factory=list)
    pause_seconds: float = 0.1
    over: threading.Event = field(default_factory=threading.Event)


class Client:
    """One phone after another, on one connection and with one journal."""

    def __init__(
        self, market: Market, residents: Sequence[Resident], folder: Path, name: str, seed: str
    ) -> None:
        self._market, self._residents, self._rng = market, residents, Random(seed)
        self._journal = Journal(folder / f"client-{name}.jsonl")
        self._connection: http.client.HTTPConnection | None = None
        self._name, self._number, self._met = name, 0, Counter[str]()

    def run(self) -> None:
        """Claim until the market is over."""
        while not self._market.over.is_set():
            if offers := self._market.offers:
                self._visit(self._rng.choice(offers))
            self._market.over.wait(self._rng.uniform(0, 2) * self._market.pause_seconds)
        self.close()

    def claim(self, offer: str, resident: Resident, key: str, *, stays: bool = True) -> Told:
        """One claim until there is an answer, or until patience or `stays` ends it."""
        until = time.monotonic() + _PATIENCE_SECONDS
        told = self._ask(offer, resident, key)
        while told.status in _AGAIN or not told.status:
            if not stays or time.monotonic() > until:
                break
            time.sleep(self._rng.uniform(0.1, 0.4) + min(told.wait_seconds, 1) / 2)
            told = self._ask(offer, resident, key)
        return told

    def close(self) -> None:
        """Hang up."""
        self._drop()
        self._journal.close()

    def _visit(self, offer: str) -> None:
        rng, before = self._rng, self._met[offer]
        place = rng.randrange(before) if before and rng.random() < _WANTS_MORE else before
        self._met[offer] = max(before, place + 1)
        resident = self._residents[place % len(self._residents)]
        self._number += 1
        key = f"{self._name}-{self._number}"
        if rng.random() < _TAPS_TWICE:
            self._tap_twice(offer, resident, key)
        told = self.claim(offer, resident, key, stays=rng.random() >= _GIVES_UP)
        if told.code == "sold_out":
            self._market.sold_out[offer] += 1
        if told.status == http.client.CREATED and rng.random() < _ASKS_AGAIN:
            self.claim(offer, resident, key)

    def _tap_twice(self, offer: str, resident: Resident, key: str) -> None:
        """A second request with the same key while the first is under way."""
        other = threading.Thread(target=self._ask_aside, args=(offer, resident, key))
        other.start()
        self._ask(offer, resident, key)
        other.join()

    def _ask_aside(self, offer: str, resident: Resident, key: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._market.port, timeout=4)
        self._exchange(connection, offer, resident, key)
        connection.close()

    def _ask(self, offer: str, resident: Resident, key: str) -> Told:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._market.port)
        self._connection.timeout = self._rng.uniform(*_TIMEOUT_SECONDS)
        if self._connection.sock:
            self._connection.sock.settimeout(self._connection.timeout)
        told = self._exchange(self._connection, offer, resident, key)
        if not told.status:
            self._drop()
        return told

    def _exchange(
        self, connection: http.client.HTTPConnection, offer: str, resident: Resident, key: str
    ) -> Told:
        sent = self._journal.write("asked", offer=offer, resident=str(resident.id), key=key)
        number = resident.id.int
        headers = {
            "Authorization": f"Bearer {resident.token}",
            "Idempotency-Key": key,
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        }
        try:
            connection.request("POST", f"/api/v1/offers/{offer}/claims", headers=headers)
            answer = connection.getresponse()
            told = _read(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            told = Told(0, type(error).__name__)
        facts: dict[str, Any] = {
            "voucher": told.voucher,
            "content": told.content,
            "replayed": told.replayed,
        }
        self._journal.write(
            "told",
            offer=offer,
            resident=str(resident.id),
            key=key,
            sent=sent,
            status=told.status,
            code=told.code,
            **(facts if told.voucher else {}),
            **({"holds": told.holds} if told.holds else {}),
        )
        if told.status == http.client.CREATED:
            self._market.good.append(sent)
        return told

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _read(answer: http.client.HTTPResponse) -> Told:
    body, wait = answer.read(), answer.getheader("Retry-After")
    said = json.loads(body) if body else {}
    created = answer.status == http.client.CREATED
    return Told(
        answer.status,
        str(said.get("code", "")),
        str(said.get("id", "")) if created else "",
        sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16],
        tuple(said.get("voucher_ids", ())),
        float(wait) if wait and wait.isdigit() else 0.0,
        answer.getheader("Idempotency-Replayed") == "true",
    )


class Crowd:
    """Clients in threads, each with residents of its own."""

    def __init__(
        self,
        market: Market,
        residents: Sequence[Resident],
        folder: Path,
        *,
        clients: int,
        seed: str,
    ) -> None:
        self.market = market
        self.clients = [
            Client(market, residents[n::clients], folder, f"{seed}-{n}", f"{seed}-{n}")
            for n in range(clients)
        ]
        self._threads = [
            threading.Thread(target=one.run, daemon=True, name="resident") for one in self.clients
        ]

    def start(self) -> None:
        """Open the doors."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close them, and wait until everybody was answered or gave up."""
        self.market.over.set()
        for thread in self._threads:
            thread.join()
