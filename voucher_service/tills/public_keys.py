"""Ed25519 public keys in the spellings that systems have them in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from .model import PrivateKeySent, PublicKeyInvalid


def read(text: str) -> bytes:
    """The 32 bytes of a public key as PEM, JWK or base64.

    Raises PublicKeyInvalid, and PrivateKeySent for what should never have left its till.
    """
    text = text.strip()
    if "PRIVATE KEY" in text:
        raise PrivateKeySent
    try:
        if text.startswith("{"):
            raw = _jwk(json.loads(text))
        elif text.startswith("-----"):
            key = load_pem_public_key(text.encode())
            if not isinstance(key, Ed25519PublicKey):
                raise PublicKeyInvalid
            raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        else:
            raw = _base64(text)
        Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, TypeError, KeyError, binascii.Error) as error:
        raise PublicKeyInvalid from error
    if raw in _WEAK:
        raise PublicKeyInvalid
    return raw


def fingerprint(key: bytes) -> str:
    """The start of a key's SHA-256 in groups of four, for people to compare."""
    digest = hashlib.sha256(key).hexdigest()[:16]
    return " ".join(digest[i : i + 4] for i in range(0, 16, 4))


def jwk(key: bytes, *, key_id: str) -> dict[str, str]:
    """A public key as others read it (RFC 8037)."""
    text = base64.urlsafe_b64encode(key).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": text, "kid": key_id, "use": "sig", "alg": "EdDSA"}


def _jwk(told: Any) -> bytes:
    if not isinstance(told, dict) or (told.get("kty"), told.get("crv")) != ("OKP", "Ed25519"):
        raise PublicKeyInvalid
    if "d" in told:
        raise PrivateKeySent
    return _base64(str(told["x"]))


def _base64(text: str) -> bytes:
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


# Points of small order: signatures under them can be made by anybody.
_WEAK = frozenset(
    bytes.fromhex(one)
    for one in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)
