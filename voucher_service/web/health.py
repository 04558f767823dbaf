"""Whether the process lives (`/healthz`) and whether the servers it needs answer (`/readyz`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import redis
from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from voucher_service.infra.core import Core
from voucher_service.infra.redis import connect

from .site import core

health = Blueprint("health", __name__)


@health.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
def ready() -> tuple[Response, int, dict[str, str]]:
    """Which of the servers answer; 503 without PostgreSQL.

    With the gate or the queue away this face still answers, so a balancer must not take it out.
    """
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: _select_one(core()),
        "gate": _ping_gate,
        "queue": _queue(core().settings.queue.url, core().settings.gate.timeout_ms).ping,
    }
    states = {name: _state(check) for name, check in checks.items()}
    if states["database"] != "ok":
        return jsonify(status="down", **states), 503, {"Retry-After": "1"}
    whole = all(state == "ok" for state in states.values())
    return jsonify(status="ok" if whole else "degraded", **states), 200, {}


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it does not answer
        return "down"
    return "ok"


def _ping_gate() -> None:
    core().gate.ping()  # a cluster that is away can't even be reached for


def _select_one(core: Core) -> None:
    with core.engine.connect() as connection:
        connection.execute(text("SELECT 1"))


@cache
def _queue(url: str, timeout_ms: int) -> redis.Redis:
    return connect(url, timeout_ms / 1000)
