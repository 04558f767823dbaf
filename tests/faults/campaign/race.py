"""The last bytes of many claims at the same moment: exactly the quota, over several processes."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from .city import City, Wanted
from .clients import Resident

CLIENTS = 64
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Race:
    """One race: how many asked for how much, what they were told, what PostgreSQL holds."""

    quota: int
    asked: int
    told: Counter[str]
    rows: int
    slots: int
    again: int  # answers that said "try again"

    @property
    def exact(self) -> bool:
        """Whether exactly the quota was given, and everybody else was told that it is gone."""
        won = min(self.quota, self.asked)
        wanted = Counter({"created": won, "sold_out": self.asked - won})
        return self.told == +wanted and self.rows == self.slots == won


def run(city: City, *, times: int, name: str = "race") -> list[Race]:
    """Races for quota − 1, quota and quota + 1, so many times each."""
    quota = CLIENTS - 1
    rounds = [(n, asked) for n in range(times) for asked in (quota - 1, quota, quota + 1)]
    wanted = [Wanted(f"{name}-{n}-{asked}", quota, 1) for n, asked in rounds]
    for start in range(0, len(wanted), 12):
        city.publish(wanted[start : start + 12])
    return [_race(city, one, asked) for one, (_, asked) in zip(wanted, rounds, strict=True)]


def _race(city: City, offer: Wanted, asked: int) -> Race:
    told: Counter[str] = Counter()
    again: list[str] = []
    start, lock = threading.Barrier(asked), threading.Lock()

    def one(resident: Resident) -> None:
        code = _claim(city.stand.port, offer.slug, resident, again, start)
        with lock:
            told[code] += 1

    threads = [threading.Thread(target=one, args=(who,)) for who in city.residents[:asked]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg.connect(city.stand.database_url) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT slot) FROM voucher v JOIN offer o ON o.id = v.offer_id"
            " WHERE o.slug = %s AND v.holds_slot",
            [offer.slug],
        ).fetchone()
    assert row is not None
    return Race(offer.quota, asked, told, int(row[0]), int(row[1]), len(again))


def _claim(
    port: int, offer: str, who: Resident, again: list[str], start: threading.Barrier | None
) -> str:
    """`created`, or the code of the refusal; asks again with the same key while told to."""
    number, until = who.id.int, time.monotonic() + _PATIENCE_SECONDS
    head = (
        f"POST /api/v1/offers/{offer}/claims HTTP/1.1\r\nHost: race\r\nConnection: close\r\n"
        f"X-Forwarded-For: 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}\r\n"
        f"Authorization: Bearer {who.token}\r\nIdempotency-Key: {offer}\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()
    while True:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head[:-1])
            if start is not None:
                start.wait(10)
                start = None
            connection.sendall(head[-1:])
            status, body = _answer(connection)
        if status == 201:
            return "created"
        code = str(json.loads(body).get("code", status))
        if status not in {429, 503} or time.monotonic() > until:
            return code
        again.append(code)
        time.sleep(0.1)


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def inexact(races: Sequence[Race]) -> list[Race]:
    """Those that were not."""
    return [one for one in races if not one.exact]
