"""The short-lived text that a QR carries: 38 bytes, 61 characters of base32, no identity in it.

    version (1)  key number (1)  voucher reference (8)  window (4)  nonce (8)  MAC (16)

Only this server verifies it, in exactly one spelling. A window is `code_window_seconds` long; a
code is accepted in its own window and in the ones right before and after it.
"""

from __future__ import annotations

import base64
import hmac
import os
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.errors import Conflict, Unprocessable

from . import short_code

VERSION = 1
LENGTH = 61
_BODY = struct.Struct(">BBqI8s")
TOLERANCE = 1  # windows before and after the present one


class CodeInvalid(Unprocessable):
    """Not a code of ours, or not in its one spelling."""

    code = "code_invalid"


class CodeExpired(Conflict):
    """The code's time is over; the resident's screen has a new one."""

    code = "code_expired"
    gone = True


@dataclass(frozen=True, slots=True)
class Code:
    """A code, the short one to type instead, and when both are valid."""

    text: str
    short: str
    window: int
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """What a verified code says: which voucher, which window, and the nonce that is used once.

    `paper`: it was printed, so that it has no window and whoever shows it is asked for the last
    four characters of the holder's document. `void_print`: its number, once a newer one took its
    place.
    """

    code_ref: int
    window: int
    nonce: bytes
    paper: bool = False
    void_print: int | None = None

    def check_time(self, now: datetime, window_seconds: int) -> None:
        """Raises CodeExpired unless the code's window is this one or a neighbour, or the code was
        printed and is not void.
        """
        away = 0 if self.paper else abs(window_of(now, window_seconds) - self.window)
        if self.void_print is not None:
            raise CodeExpired(extra={"part": "paper"}, print=self.void_print)
        if away > TOLERANCE:
            raise CodeExpired


def window_of(instant: datetime, window_seconds: int) -> int:
    """The number of the window an instant falls in, counted from 1970."""
    return int(instant.timestamp()) // window_seconds


def make(keyring: Keyring, *, code_ref: int, window: int, window_seconds: int) -> Code:
    """A fresh code for one window."""
    body = _BODY.pack(VERSION, keyring.code_key_id, code_ref, window, os.urandom(8))
    mac = keyring.code_mac(keyring.code_key_id, body)
    assert mac is not None
    return Code(
        base64.b32encode(body + mac).decode().rstrip("="),
        short_code.make(keyring, code_ref=code_ref, window=window),
        window,
        datetime.fromtimestamp(window * window_seconds, UTC),
        datetime.fromtimestamp((window + 1) * window_seconds, UTC),
    )


def read(keyring: Keyring, text: str) -> Read:
    """Verify a code's spelling and signature. Raises CodeInvalid, whatever is wrong with it."""
    if len(text) != LENGTH or not text.isascii():
        raise CodeInvalid
    try:
        raw = base64.b32decode(text + "===")
    except ValueError:
        raise CodeInvalid from None
    if base64.b32encode(raw).decode().rstrip("=") != text:
        raise CodeInvalid
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    version, key_id, code_ref, window, nonce = _BODY.unpack(body)
    expected = keyring.code_mac(key_id, body)
    if version != VERSION or expected is None or not hmac.compare_digest(mac, expected):
        raise CodeInvalid
    return Read(code_ref, window, nonce)
