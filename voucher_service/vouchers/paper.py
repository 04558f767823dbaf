"""The text of a paper voucher's QR: 28 bytes, 45 characters of base32, the same until it is void.

    version (1)  key number (1)  voucher reference (8)  print (2)  MAC (16)

No window and no nonce: a paper voucher is for kinds that are spent in one go, so the voucher itself
says whether it was used, and whoever shows it also says how the holder's document number ends. Each
print has the next number; only the newest one counts.
"""

from __future__ import annotations

import base64
import hmac
import struct

from voucher_service.infra.secrets import Keyring

from .code import CodeInvalid

VERSION = 2
LENGTH = 45
_BODY = struct.Struct(">BBqH")
_PADDING = "==="


def make(keyring: Keyring, *, code_ref: int, serial: int) -> str:
    """The text of a print, in its one spelling."""
    body = _BODY.pack(VERSION, keyring.code_key_id, code_ref, serial)
    mac = keyring.code_mac(keyring.code_key_id, body)
    assert mac is not None
    return base64.b32encode(body + mac).decode().rstrip("=")


def read(keyring: Keyring, text: str) -> tuple[int, int]:
    """The voucher reference and the print of a text. Raises CodeInvalid, whatever is wrong."""
    if len(text) != LENGTH or not text.isascii():
        raise CodeInvalid
    try:
        raw = base64.b32decode(text + _PADDING)
    except ValueError:
        raise CodeInvalid from None
    if base64.b32encode(raw).decode().rstrip("=") != text:
        raise CodeInvalid
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    version, key_id, code_ref, serial = _BODY.unpack(body)
    expected = keyring.code_mac(key_id, body)
    if version != VERSION or expected is None or not hmac.compare_digest(mac, expected):
        raise CodeInvalid
    return code_ref, serial
