"""Nothing acknowledged may be missing, and nothing may stand that nobody is told of."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg

_SETTLE_SECONDS = 0.5
_ROWS = "SELECT id, resident_id FROM voucher WHERE offer_id = ANY(%s) AND holds_slot"


@dataclass
class Tally:
    """Claims of the product: told to residents, and found in PostgreSQL."""

    acknowledged: int = 0
    rows_in_db: int = 0
    asked_again: int = 0
    lost: int = 0

    def settle(
        self,
        database_url: str,
        port: int,
        offers: Sequence[UUID],
        told: Sequence[str],
        asks: dict[UUID, bytes],
    ) -> None:
        """Count one window.

        Whoever was cut off when it closed asks again with the same key, as a resident would.
        """
        rows = _settled(database_url, offers)
        known = {UUID(one) for one in told}
        for id in rows.keys() - known:
            self.asked_again += 1
            if _ask(port, asks[rows[id]]) == id:
                known.add(id)
        self.lost += len(known - rows.keys()) + len(told) - len(set(told))
        self.acknowledged += len(known)
        self.rows_in_db += len(rows)


def _settled(database_url: str, offers: Sequence[UUID]) -> dict[UUID, UUID]:
    """Voucher → resident, once nothing is under way any more."""
    rows: dict[UUID, UUID] = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        while True:
            time.sleep(_SETTLE_SECONDS)
            before = len(rows)
            rows = dict(connection.execute(_ROWS, [list(offers)]).fetchall())
            if len(rows) == before:
                return rows


def _ask(port: int, request: bytes) -> UUID | None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
    return UUID(json.loads(body)["id"]) if answer.status == http.client.CREATED else None
