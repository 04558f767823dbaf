"""Where a request came from, kept for fraud work: no address and no agent in clear."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from functools import lru_cache
from socket import AF_INET, inet_pton

from flask import Response, request

from voucher_service.kernel.actor import Evidence

COOKIE = "device"
HEADER = "X-Device-Id"
_DEVICE = re.compile(r"[A-Za-z0-9_-]{16,64}")
# The first sign that fits counts: nearly every agent says Safari, and half of them Chrome.
_BROWSERS = (
    ("Edg", "Edge"),
    ("MicroMessenger", "微信"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
    ("python", "Python"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
_TWO_YEARS_SECONDS = 2 * 365 * 24 * 3600


def evidence() -> Evidence:
    """Where this request came from."""
    told = request.headers.get(HEADER) or request.cookies.get(COOKIE) or ""
    return of(request.remote_addr, told, request.headers.get("User-Agent", ""))


def of(address: str | None, device: str, agent: str) -> Evidence:
    """The network prefix (/24 or /48), the device id if one was told, and a hash of the agent."""
    return Evidence(_prefix(address), device if _DEVICE.fullmatch(device) else None, _hash(agent))


def browser(agent: str) -> str:
    """A browser and its system by name, as people know their own: "Chrome, Windows"."""
    names = [
        next((name for sign, name in known if sign in agent), "") for known in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(name for name in names if name)


def address(forwarded: str, peer: str | None, hops: int) -> str | None:
    """Where a request comes from: what the outermost of our own proxies saw.

    Each of `hops` proxies adds one address to X-Forwarded-For; what is left of theirs is hearsay.
    """
    told = [one.strip() for one in forwarded.split(",")] if forwarded and hops else []
    return told[-hops] if len(told) >= hops > 0 else peer


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


@lru_cache(maxsize=1_024)
def _hash(agent: str) -> str | None:
    return hashlib.sha256(agent.encode()).hexdigest()[:32] if agent else None


def _prefix(address: str | None) -> str | None:
    try:  # nearly everybody, and a tenth of the time
        first, second, third, _ = inet_pton(AF_INET, address or "")
    except OSError:
        return _other_prefix(address)
    return f"{first}.{second}.{third}.0/24"


@lru_cache(maxsize=4_096)
def _other_prefix(address: str | None) -> str | None:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, bits), strict=False))
