"""The code to type where no camera reads the QR: 10 characters, shown as two groups of five.

    masked handle (30 bits)  MAC (20 bits)

The handle is the upper part of the voucher's reference. It is masked under the window and the MAC,
so that the codes of one voucher have nothing in common. Each is valid as long as the QR beside it,
and once. The alphabet leaves out 0, 1, I and O, which people mistake for each other.

A guess hits one of n vouchers that can be spent with probability 3 n / 2^50; the till's lock leaves
a shop `till.bad_codes_per_minute` guesses a minute.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from voucher_service.infra.secrets import Keyring

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 10
_HANDLE_BITS, _MAC_BITS = 30, 20
_REST_BITS = 63 - _HANDLE_BITS
# The first byte of a code that a QR carries is a small number, so none of these is its body.
_MAC, _MASK, _NONCE = b"short code", b"short mask", b"short once"
_BODY = struct.Struct(">qI")


@dataclass(frozen=True, slots=True)
class Guess:
    """What a text says, if it was made with this key for this window: a voucher whose reference
    lies in `low` to `high`, both included. `matches` says whether it was.
    """

    key_id: int
    window: int
    low: int
    high: int
    mac: int

    def matches(self, keyring: Keyring, code_ref: int) -> bool:
        """Whether the text is the code of that voucher."""
        expected = _mac(keyring, self.key_id, code_ref, self.window)
        return hmac.compare_digest(expected.to_bytes(4, "big"), self.mac.to_bytes(4, "big"))

    def nonce(self, keyring: Keyring, code_ref: int) -> bytes:
        """The same whenever it is read, so that a code used once is used."""
        return _keyed(keyring, self.key_id, _NONCE + _BODY.pack(code_ref, self.window))[:8]


def make(keyring: Keyring, *, code_ref: int, window: int) -> str:
    """The code of a voucher for one window, in its one spelling."""
    key_id = keyring.code_key_id
    mac = _mac(keyring, key_id, code_ref, window)
    handle = (code_ref >> _REST_BITS) ^ _mask(keyring, key_id, window, mac)
    number = handle << _MAC_BITS | mac
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(LENGTH)))


def guesses(keyring: Keyring, text: str, windows: Iterable[int]) -> Iterator[Guess]:
    """What a text may mean in these windows; nothing when it is not spelt as a code is."""
    if len(text) != LENGTH or not set(text) <= set(ALPHABET):
        return
    number = 0
    for character in text:
        number = number << 5 | ALPHABET.index(character)
    masked, mac = number >> _MAC_BITS, number & (1 << _MAC_BITS) - 1
    for window in windows:
        for key_id in keyring.code_key_ids:
            low = (masked ^ _mask(keyring, key_id, window, mac)) << _REST_BITS
            yield Guess(key_id, window, low, low | (1 << _REST_BITS) - 1, mac)


def grouped(text: str) -> str:
    """A code as people read it: two groups."""
    return f"{text[:5]}-{text[5:]}"


def _mac(keyring: Keyring, key_id: int, code_ref: int, window: int) -> int:
    return _bits(_keyed(keyring, key_id, _MAC + _BODY.pack(code_ref, window)), _MAC_BITS)


def _mask(keyring: Keyring, key_id: int, window: int, mac: int) -> int:
    return _bits(_keyed(keyring, key_id, _MASK + _BODY.pack(mac, window)), _HANDLE_BITS)


def _keyed(keyring: Keyring, key_id: int, message: bytes) -> bytes:
    made = keyring.code_mac(key_id, message)
    assert made is not None
    return made


def _bits(digest: bytes, count: int) -> int:
    return int.from_bytes(digest[:4], "big") >> 32 - count
