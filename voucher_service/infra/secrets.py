"""Encryption of personal data, hashes to find it by, and signatures on voucher codes.

Each purpose has numbered keys, "2:HEX,1:HEX": the first makes new values, all read old ones.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voucher_service import settings as settings_module

_NONCE_BYTES = 12


class CipherTextDamaged(Exception):
    """A stored value does not decrypt: a wrong key, or the value was moved or changed."""


def _keys(text: str) -> dict[int, bytes]:
    """The keys of a setting by number, first one first; each stretched to 32 bytes."""
    keys: dict[int, bytes] = {}
    for part in text.split(","):
        number, _, secret = part.strip().partition(":")
        if not number.isdigit() or not 0 < int(number) < 256 or not secret:
            raise settings_module.SettingsError(
                "keys are written 2:SECRET,1:SECRET, numbers 1 to 255"
            )
        keys[int(number)] = hashlib.sha256(secret.encode()).digest()
    return keys


def _signing(keys: dict[int, bytes]) -> dict[int, Ed25519PrivateKey]:
    return {number: Ed25519PrivateKey.from_private_bytes(key) for number, key in keys.items()}


def _cut(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 cut to 128 bits."""
    return hmac.digest(key, message, "sha256")[:16]


@dataclass(frozen=True, slots=True)
class LookupHash:
    """A keyed hash of a personal value, and the number of the key."""

    key_id: int
    digest: bytes


class Keyring:
    """The keys of this installation."""

    def __init__(self, secrets: settings_module.Secrets) -> None:
        self._field_keys = _keys(secrets.field_keys)
        self._fields = {number: AESGCM(key) for number, key in self._field_keys.items()}
        self._lookups = _keys(secrets.lookup_keys)
        self._codes = _keys(secrets.code_keys)
        self._seals = _keys(secrets.ledger_keys)
        self._webhooks = _keys(secrets.webhook_keys)
        self._logs = _keys(secrets.log_keys)
        self._backups = _keys(secrets.backup_keys)
        self.token_key = secrets.token_key

    def encrypt(self, text: str, *, bound_to: str) -> bytes:
        """AES-256-GCM, first byte the key's number. `bound_to` names the row and field, so that a
        value moved to another row no longer decrypts.
        """
        number, cipher = next(iter(self._fields.items()))
        nonce = os.urandom(_NONCE_BYTES)
        return bytes([number]) + nonce + cipher.encrypt(nonce, text.encode(), bound_to.encode())

    def decrypt(self, value: bytes, *, bound_to: str) -> str:
        """The text again. Raises CipherTextDamaged."""
        nonce, body = value[1 : 1 + _NONCE_BYTES], value[1 + _NONCE_BYTES :]
        try:
            return self._fields[value[0]].decrypt(nonce, body, bound_to.encode()).decode()
        except (KeyError, InvalidTag, ValueError) as error:
            raise CipherTextDamaged(bound_to) from error

    def lookup(self, purpose: str, text: str) -> LookupHash:
        """HMAC-SHA-256 under the newest key, apart for each purpose."""
        return self.lookups(purpose, text)[0]

    def lookups(self, purpose: str, text: str) -> list[LookupHash]:
        """The hash under each key, newest first: what to search while a rotation is under way."""
        message = f"{purpose}\0{text}".encode()
        return [
            LookupHash(number, hmac.digest(key, message, "sha256"))
            for number, key in self._lookups.items()
        ]

    @property
    def code_key_id(self) -> int:
        """The number of the key that signs new voucher codes."""
        return next(iter(self._codes))

    @property
    def code_key_ids(self) -> tuple[int, ...]:
        """The numbers of all keys that verify voucher codes, newest first."""
        return tuple(self._codes)

    def code_mac(self, key_id: int, message: bytes) -> bytes | None:
        """HMAC-SHA-256 cut to 128 bits, or None for a key we don't have."""
        key = self._codes.get(key_id)
        return None if key is None else _cut(key, message)

    def seal(self, message: bytes) -> bytes:
        """What the ledger writes beside an entry: the newest key's number and a keyed hash."""
        number, key = next(iter(self._seals.items()))
        return bytes([number]) + _cut(key, message)

    def sealed(self, message: bytes, seal: bytes) -> bool:
        """Whether one of our keys made this seal of this message."""
        key = self._seals.get(seal[0]) if seal else None
        return key is not None and hmac.compare_digest(seal[1:], _cut(key, message))

    def webhook_keys(self) -> dict[int, Ed25519PrivateKey]:
        """The keys that sign what is told merchants' systems, by number; the first signs."""
        return _signing(self._webhooks)

    def log_keys(self) -> dict[int, Ed25519PrivateKey]:
        """The keys that sign the heads of the sealed log, by number; the first signs."""
        return _signing(self._logs)

    def backup_keys(self) -> dict[int, bytes]:
        """The keys that seal backups, by number; the first seals, all open."""
        return dict(self._backups)

    def kept_keys(self) -> dict[str, dict[int, bytes]]:
        """By setting, the keys without which the books can't be read or checked."""
        kept = {"lookup_keys": self._lookups, "ledger_keys": self._seals, "log_keys": self._logs}
        return {"field_keys": self._field_keys, **kept}

    def form_mac(self, message: str) -> str:
        """A short keyed hash that ties a form to its session."""
        return hmac.digest(self.token_key.encode(), f"form\0{message}".encode(), "sha256").hex()[
            :32
        ]
