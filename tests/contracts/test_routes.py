"""Every route of every face has a guard, and what strangers may call is a short list read aloud."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from admin.app import create_app as create_admin
from merchant_portal.app import create_app as create_merchant
from voucher_service import settings
from voucher_service.infra.core import Core, build
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.site import Site

FACES = {"resident": create_resident, "merchant": create_merchant, "admin": create_admin}
NOBODY = "00000000-0000-7000-8000-000000000000"
# What changes something and asks nobody to be signed in first.
OPEN_CHANGES = {
    "/apply",
    "/enrol",
    "/preferences",
    "/sign-in",
    "/sign-in/again",
    "/sign-in/code",
    "/sign-out",
    "/api/v1/enrolments",
    "/api/v1/sign-in",
    "/api/v1/sign-in/codes",
    "/api/v1/trade-in/quotes",
}


@pytest.fixture(scope="module")
def nowhere() -> Core:
    """A core whose servers answer nowhere: routes are read, not called."""
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


def site_of(app: Flask) -> Site:
    """What a face knows of itself."""
    found = app.extensions["voucher"]
    assert isinstance(found, Site)
    return found


@pytest.mark.parametrize("create", FACES.values(), ids=FACES)
def test_every_route_has_a_guard(create: Callable[[Core], Flask], nowhere: Core) -> None:
    app = create(nowhere)
    guards = site_of(app).guards
    bare = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "." in rule.endpoint and rule.endpoint.rsplit(".", 1)[0] not in guards
    ]
    assert [rule for rule in bare if not rule.startswith(("/static", "/api/"))] == []


@pytest.mark.parametrize("create", FACES.values(), ids=FACES)
def test_strangers_change_nothing_but_their_sign_in(
    create: Callable[[Core], Flask], nowhere: Core
) -> None:
    app = create(nowhere)
    guards = site_of(app).guards
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        changes = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        guard = guards.get(rule.endpoint.rsplit(".", 1)[0])
        if not changes or rule.rule in OPEN_CHANGES:
            continue
        assert guard is not None, rule.rule
        assert guard.signed_in, rule.rule
        path = rule.rule
        for _ in rule.arguments:
            start = path.index("<", 0)
            path = path[:start] + NOBODY + path[path.index(">", start) + 1 :]
        answer = client.open(path, method=sorted(changes)[0], json={})
        assert answer.status_code in (303, 401, 403), (rule.rule, answer.status_code)
