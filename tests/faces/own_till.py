"""A till of a merchant's own system, for the tests: it signs what it sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.make import World
from voucher_service.infra import signatures
from voucher_service.infra.signatures import Message
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.merchants import service as merchants
from voucher_service.tills import service as tills
from voucher_service.tills.model import TAG, TillKey

ORIGIN = "http://localhost"


def manager_of(world: World, cashier: Actor) -> Actor:
    """The manager of a cashier's shop."""
    name = f"manager-{uuid4().hex[:8]}"
    desk = merchants.desk(world.core, actor=cashier)
    made = merchants.create_cashier(
        world.core,
        actor=SYSTEM,
        shop=desk.till.shop_id,
        username=name,
        password=f"demo-only-{name}",
        display_name=name,
        role=Role.MANAGER,
        demo=True,
    )
    return Actor(ActorKind.CASHIER, made.id, frozenset({Role.MANAGER}), cashier.area)


def public(key: Ed25519PrivateKey) -> str:
    """The half of a key that a manager pastes."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class OwnTill:
    """A registered till with its key and a connection."""

    def __init__(self, client: FlaskClient, world: World, manager: Actor | None = None) -> None:
        self.client, self.world = client, world
        self.manager = manager or manager_of(world, world.cashier())
        self.private = Ed25519PrivateKey.generate()
        self.key: TillKey = tills.register(
            world.core, actor=self.manager, name="1 号收银机", public_key=public(self.private)
        )

    def headers(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        ago: float = 0,
        tag: str = TAG,
        **more: str,
    ) -> dict[str, str]:
        """A request's headers, signed so many seconds ago."""
        return signatures.sign(
            Message(method, ORIGIN + path, more, body),
            tag=tag,
            key=self.private,
            key_id=str(self.key.id),
            now=datetime.now(UTC) - timedelta(seconds=ago),
        )

    def get(self, path: str, **how: Any) -> TestResponse:
        """A reading call."""
        return self.client.get(path, headers=self.headers("GET", path, **how))

    def post(self, path: str, body: Any, *, key: str | None = None, **how: Any) -> TestResponse:
        """A changing call."""
        data = json.dumps(body).encode()
        given = {"Content-Type": "application/json", "Idempotency-Key": key or uuid4().hex}
        headers = self.headers("POST", path, data, **how, **given)
        return self.client.post(path, data=data, headers=headers)
