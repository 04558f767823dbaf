"""Where a request came from, kept for fraud work: no address and no agent in clear."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets

from flask import Response, request

from voucher_service.kernel.actor import Evidence

COOKIE = "device"
HEADER = "X-Device-Id"
_DEVICE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_TWO_YEARS_SECONDS = 2 * 365 * 24 * 3600


def evidence() -> Evidence:
    """The network prefix (/24 or /48), the device id if one was told, and a hash of the agent."""
    agent = request.headers.get("User-Agent", "")
    return Evidence(
        address_prefix=_prefix(request.remote_addr),
        device_id=_told(),
        agent_hash=hashlib.sha256(agent.encode()).hexdigest()[:32] if agent else None,
    )


def remember_device(response: Response, *, secure: bool) -> Response:
    """Give a page's browser a random id of its own, once."""
    if COOKIE not in request.cookies:
        response.set_cookie(
            COOKIE,
            secrets.token_urlsafe(18),
            max_age=_TWO_YEARS_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=secure,
        )
    return response


def _told() -> str | None:
    told = request.headers.get(HEADER) or request.cookies.get(COOKIE) or ""
    return told if _DEVICE.fullmatch(told) else None


def _prefix(address: str | None) -> str | None:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, bits), strict=False))
