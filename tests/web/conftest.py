"""The example face without servers: what needs none is tested without them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.example_face.app import create_app
from tests.web.example_face.people import CASHIER, SESSION
from voucher_service import settings
from voucher_service.infra.core import Core, build
from voucher_service.web.auth import signed
from voucher_service.web.face import Face


@pytest.fixture
def bare_core() -> Core:
    """A core whose servers answer nowhere."""
    return build(
        settings.load(
            {
                "VOUCHER_ENV": "test",
                "VOUCHER__DATABASE__URL": "postgresql://nobody@127.0.0.1:9/none",
                "VOUCHER__GATE__URL": "redis://127.0.0.1:9/0",
                "VOUCHER__QUEUE__URL": "redis://127.0.0.1:9/1",
            }
        )
    )


@pytest.fixture
def app(bare_core: Core) -> Flask:
    """The example face."""
    return create_app(bare_core)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A reader of it."""
    return app.test_client()


@pytest.fixture
def bearer(bare_core: Core) -> dict[str, str]:
    """The headers of a cashier's API calls."""
    token = signed(bare_core, Face.MERCHANT, CASHIER, session=SESSION).access_token
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": "first"}
