"""Requests as they go over the wire, each with an address of its own behind one proxy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def visits(tokens: Iterable[str]) -> list[bytes]:
    """`GET /`, once with each token."""
    return [_whole("GET", "/", number, token) for number, token in enumerate(tokens)]


def claims(slugs: Sequence[str], tokens: Iterable[str], *, again: int = 0) -> list[bytes]:
    """One claim by each resident, of the offers in turn; `again` makes it another claim."""
    paths = [f"/api/v1/offers/{slug}/claims" for slug in slugs]
    return [
        _whole(
            "POST", paths[number % len(paths)], number, token, key=f"{slugs[0]}-{number}-{again}"
        )
        for number, token in enumerate(tokens)
    ]


def qualifications(category: str, tokens: Iterable[str]) -> list[bytes]:
    """One claim of a qualification by each resident."""
    body = json.dumps({"category": category})
    path = "/api/v1/trade-in/qualifications"
    return [
        _whole("POST", path, number, token, key=f"{category}-{number}", body=body)
        for number, token in enumerate(tokens)
    ]


def redemption(number: int, token: str, order: Mapping[str, Any]) -> bytes:
    """One order at a till; its reference is the idempotency key too."""
    return _whole(
        "POST",
        "/api/v1/redemptions",
        number,
        token,
        key=order["order_reference"],
        body=json.dumps(order),
    )


def _whole(
    method: str, path: str, number: int, token: str, *, key: str = "", body: str = ""
) -> bytes:
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"X-Forwarded-For: {address}"]
    lines += ["User-Agent: bench", f"Authorization: Bearer {token}"]
    if key:
        lines += [f"Idempotency-Key: {key}", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    return "\r\n".join((*lines, "", body)).encode("ascii")
