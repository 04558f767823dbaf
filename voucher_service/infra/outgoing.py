"""Send something to an address that a stranger gave us: to the open network, and nowhere else.

The name is resolved once and the connection is made to that very address, so that what was judged
is what is called. No redirect is followed.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from threading import Timer
from urllib.parse import urlsplit

from voucher_service.kernel.errors import Unprocessable

SECONDS = 5.0
MOST_BYTES = 65_536
_URL = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,2000}")  # visible ASCII without the backslash
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])", re.IGNORECASE)
_INSIDE = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp")
_LOOPBACK = ("127.0.0.1", "localhost")
# What `is_global` of this Python lets through: special uses, and a cloud's own service.
_CLOSED = tuple(
    ip_network(one) for one in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "100::/64")
)
# They carry another address, which a gateway on the way may call.
_WRAPPING = tuple(
    IPv6Network(one) for one in ("::/96", "::ffff:0:0/96", "64:ff9b::/32", "2001::/32", "2002::/16")
)

Resolve = Callable[[str, int], list[str]]


class AddressRefused(Unprocessable):
    """Messages can't be sent there: not https, not a name of the open network, or a way inside."""

    code = "webhook_url_refused"


class NotTakenError(Exception):
    """The other side was not reached, or did not say 2xx. The text says what happened."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. `path` has its query."""

    tls: bool
    host: str
    port: int
    path: str


def target(url: str, *, loopback: bool) -> Target:
    """An address that may be tried. `loopback`: also http to this machine. Raises AddressRefused.

    Only names: each spelling of a number is refused as such.
    """
    if not _URL.fullmatch(url):
        raise AddressRefused(extra={"reason": "spelling"})
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused(extra={"reason": "spelling"}) from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if loopback and parts.scheme == "http" and parts.netloc.rpartition(":")[0] in _LOOPBACK:
        return Target(False, host, port or 80, path)
    if parts.scheme != "https":
        raise AddressRefused(extra={"reason": "https"})
    if "@" in parts.netloc or "#" in url:
        raise AddressRefused(extra={"reason": "spelling"})
    labels = host.lower().split(".")
    if not _NAME.fullmatch(host) or labels[-1] in _INSIDE or host.lower().endswith("home.arpa"):
        raise AddressRefused(extra={"reason": "host"})
    if port is not None and port != 443 and port not in range(1024, 65_536):
        raise AddressRefused(extra={"reason": "port"})
    return Target(True, host, port or 443, path)


def is_open(text: str) -> bool:
    """Whether an address belongs to the open network and wraps no other one."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and any(address in one for one in _WRAPPING):
        return False
    closed = address.is_multicast or address.is_reserved or any(address in one for one in _CLOSED)
    return address.is_global and not closed and "%" not in text


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(entry[4][0]) for entry in found]


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    loopback: bool = False,
    names: Resolve = resolve,
    trust: ssl.SSLContext | None = None,
    seconds: float = SECONDS,
) -> None:
    """Post once; at most `seconds` from the connection on, and 64 KB of an answer.

    Raises AddressRefused, also for what a name turns out to be, and NotTakenError.
    """
    where = target(url, loopback=loopback)
    try:
        found = names(where.host, where.port)
    except OSError:
        raise NotTakenError("the name has no address") from None
    if not found:
        raise NotTakenError("the name has no address")
    if where.tls and not all(map(is_open, found)):
        raise AddressRefused(extra={"reason": "address"})
    if not where.tls and not all(ip_address(one).is_loopback for one in found):
        raise AddressRefused(extra={"reason": "address"})
    try:
        status = _exchange(where, found[0], body, headers, trust, seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotTakenError(f"not reached: {type(error).__name__}") from error
    if not 200 <= status < 300:
        raise NotTakenError(f"answered {status}")


def _exchange(
    where: Target,
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    trust: ssl.SSLContext | None,
    seconds: float,
) -> int:
    plain: socket.socket = socket.create_connection((address, where.port), timeout=seconds)
    wire = plain
    if where.tls:
        context = trust or ssl.create_default_context()
        wire = context.wrap_socket(plain, server_hostname=where.host, do_handshake_on_connect=False)
    # A timeout counts anew with each byte; this one ends the whole exchange.
    end = Timer(seconds, _cut, [wire])
    end.start()
    connection = http.client.HTTPConnection(where.host, where.port, timeout=seconds)
    try:
        if isinstance(wire, ssl.SSLSocket):
            wire.do_handshake()
        connection.sock = wire
        usual = 443 if where.tls else 80
        host = where.host if where.port == usual else f"{where.host}:{where.port}"
        connection.request("POST", where.path, body, {**headers, "Host": host})
        answer = connection.getresponse()
        answer.read(MOST_BYTES)
        return answer.status
    finally:
        end.cancel()
        connection.close()
        wire.close()


def _cut(wire: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(wire, socket.SHUT_RDWR)
