"""A small puzzle before a claim, after ALTCHA: find the number whose hash was given.

A person's phone finds it in about a second and nobody notices; whoever asks for thousands of
residents pays for thousands. A challenge is bound to its resident and offer, ends soon, and its
solution counts once, or again for the same claim sent again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import redis

from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import hash_of
from voucher_service.kernel.ids import OfferId, ResidentId

from .model import ProofOfWorkRequired

ALGORITHM = "SHA-256"
_LONGEST = 1_024


def check(core: Core, *, resident: ResidentId, offer: OfferId, key: str, proof: str | None) -> None:
    """Let a claim pass whose solution is good. `key` is the claim's idempotency key.

    Raises ProofOfWorkRequired with a new challenge.
    """
    challenge = _solved(core, resident, offer, proof) if proof else None
    if challenge is None or not _unused(core, challenge, key):
        raise ProofOfWorkRequired(extra={"challenge": make(core, resident=resident, offer=offer)})


def make(core: Core, *, resident: ResidentId, offer: OfferId) -> dict[str, Any]:
    """A challenge: find `n` from 0 to `maxnumber` with SHA-256(salt + n) = challenge, in hex."""
    settings = core.settings.waiting
    ends = int(_now(core).timestamp()) + settings.proof_seconds
    salt = f"{secrets.token_hex(12)}?expires={ends}&"
    challenge = _hash(salt, secrets.randbelow(settings.proof_numbers + 1))
    return {
        "algorithm": ALGORITHM,
        "challenge": challenge,
        "salt": salt,
        "maxnumber": settings.proof_numbers,
        "signature": _signed(core, resident, offer, challenge, salt)[0],
    }


def _solved(core: Core, resident: ResidentId, offer: OfferId, proof: str) -> str | None:
    """The challenge that a proof solves, or None. The proof is the Base64 of a JSON object."""
    try:
        told = json.loads(base64.b64decode(proof[:_LONGEST], validate=True))
        salt, number, signature = str(told["salt"]), int(told["number"]), str(told["signature"])
        ends = int(salt.partition("?expires=")[2].rstrip("&"))
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return None
    challenge = _hash(salt, number)
    if ends < _now(core).timestamp() or not signature.isascii():
        return None
    good = _signed(core, resident, offer, challenge, salt)
    return challenge if any(hmac.compare_digest(signature, one) for one in good) else None


def _unused(core: Core, challenge: str, key: str) -> bool:
    """Remember a solution as used, as long as it would count. True the first time and for a repeat.

    With the gate away it counts: the puzzle spares the servers, and quota does not depend on it.
    """
    mine = hash_of(key).hex()[:16]
    name = f"proof:{challenge[:24]}"
    try:
        seconds = core.settings.waiting.proof_seconds + 1
        before = core.gate.set(name, mine, nx=True, ex=seconds, get=True)
    except redis.RedisError:
        return True
    return before is None or before == mine


def _signed(
    core: Core, resident: ResidentId, offer: OfferId, challenge: str, salt: str
) -> list[str]:
    text = f"{resident.hex}|{offer.hex}|{challenge}|{salt}"
    return [one.digest.hex() for one in core.keyring.lookups("proof_of_work", text)]


def _hash(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def _now(core: Core) -> datetime:
    return core.clock.at or datetime.now(UTC)
