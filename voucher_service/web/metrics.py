"""Prometheus metrics of a face: requests by route template and status, and how long they took."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from functools import lru_cache

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest

from voucher_service.kernel.errors import NoSuchThing

from .log import route

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


_NAME = "metrics"


@dataclass(frozen=True, slots=True)
class _Kept:
    requests: Counter
    seconds: Histogram


def observe(app: Flask, method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer of this app and how long it took."""
    requests, took = _series(app, method, route, status)
    requests.inc()
    took.observe(max(0.0, seconds))


@lru_cache(maxsize=1_024)
def _series(app: Flask, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    kept: _Kept = app.extensions[_NAME]
    return kept.requests.labels(method, route, str(status)), kept.seconds.labels(route)


def install(app: Flask) -> None:
    """Count and time every request of this app, and serve `/metrics` to the own network."""
    registry = CollectorRegistry()
    requests = Counter(
        "http_requests", "Requests answered", ("method", "route", "status"), registry=registry
    )
    seconds = Histogram(
        "http_request_seconds", "Time to answer", ("route",), registry=registry, buckets=_BUCKETS
    )
    app.extensions[_NAME] = _Kept(requests, seconds)

    @app.after_request
    def count(response: Response) -> Response:
        took = time.perf_counter() - g.get("started", 0)
        observe(app, request.method, route(), response.status_code, took)
        return response

    views = Blueprint("metrics", __name__)

    @views.get("/metrics")
    def metrics() -> Response:
        if not _from_own_network():
            raise NoSuchThing
        text = generate_latest(registry) + generate_latest(REGISTRY)  # ours, then the features'
        return Response(text, mimetype="text/plain; version=0.0.4")

    app.register_blueprint(views)


def _from_own_network() -> bool:
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_private
    except ValueError:
        return False
