"""Signed requests: RFC 9421 with Ed25519, the body by its digest (RFC 9530).

What is signed: the method, the whole address, the digest of a body, and the idempotency key where
there is one; with the instant, a nonce, the key's id and a tag that says what the signature is for.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from voucher_service.kernel.errors import Unauthenticated

_ALWAYS = ("@method", "@target-uri")
_NONCE = range(8, 129)


class SignatureMissing(Unauthenticated):
    """The request carries no signature made for this purpose."""

    code = "signature_missing"


class SignatureInvalid(Unauthenticated):
    """The signature covers too little, or isn't this key's over this request."""

    code = "signature_invalid"


class SignatureExpired(Unauthenticated):
    """The signature is too old, or its clock runs ahead."""

    code = "signature_expired"


class SignatureReplayed(Unauthenticated):
    """The nonce was used before with this key."""

    code = "signature_replayed"


class DigestMismatch(Unauthenticated):
    """The Content-Digest that was signed isn't that of the body."""

    code = "digest_mismatch"


class KeyUnknown(Unauthenticated):
    """Nobody has this key, or not any more."""

    code = "key_unknown"


@dataclass(frozen=True)
class Message:
    """A request as it is signed. `url` is the whole address, as the sender spells it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that was found good."""

    key_id: str
    nonce: str


def verify(
    message: Message,
    *,
    tag: str,
    find: Callable[[str], bytes | None],
    now: datetime,
    within: timedelta,
) -> Signed:
    """Who signed a request. `find` gives the 32 bytes of a public key, or None.

    Whether the nonce is new is the caller's to say. Raises SignatureMissing, KeyUnknown,
    SignatureExpired, SignatureInvalid, DigestMismatch.
    """
    names = {name.lower() for name in message.headers}
    if not {"signature", "signature-input"} <= names:
        raise SignatureMissing
    keys = _Keys(find)
    verifier = _Verifier(keys, now, within)
    must = [*_ALWAYS, *(["content-digest"] if message.body else [])]
    must += ["idempotency-key"] if "idempotency-key" in names else []
    try:
        found = verifier.verify(message, max_age=None, expect_tag=tag, require_components=must)
    except InvalidSignature as error:
        if keys.unknown:
            raise KeyUnknown from error
        raise SignatureInvalid(extra=verifier.told(error)) from error
    if len(found) != 1:
        raise SignatureInvalid(extra={"reason": "more than one signature with this tag"})
    try:
        verifier.verify_body(message, found, message.body)
    except InvalidSignature as error:
        raise DigestMismatch(extra={"reason": str(error)}) from error
    nonce = found[0].nonce or ""
    if len(nonce) not in _NONCE:
        raise SignatureInvalid(extra={"reason": "nonce: 8 to 128 characters"})
    return Signed(str(found[0].parameters["keyid"]), nonce)


def sign(
    message: Message, *, tag: str, key: Ed25519PrivateKey, key_id: str, now: datetime
) -> dict[str, str]:
    """The headers that make a request a signed one, those that it has included."""
    sent = Message(message.method, message.url, dict(message.headers), message.body)
    covered = [*_ALWAYS, *(one for one in _FURTHER if one in {n.lower() for n in sent.headers})]
    _signer(key).sign(
        sent,
        key_id=key_id,
        created=now,
        nonce=secrets.token_urlsafe(18),
        label="voucher",
        tag=tag,
        covered_component_ids=covered,
        body=message.body or None,
    )
    return dict(sent.headers)


_FURTHER = ("idempotency-key", "content-type")


def _signer(key: Ed25519PrivateKey) -> HTTPMessageSigner:
    return HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_OwnKey(key))


class _OwnKey(HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.key = key

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:  # noqa: ARG002
        return self.key


@dataclass
class _Keys(HTTPSignatureKeyResolver):
    find: Callable[[str], bytes | None]
    unknown: bool = field(default=False, init=False)

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        found = self.find(key_id)
        self.unknown = found is None
        return Ed25519PublicKey.from_public_bytes(found) if found is not None else None


class _Verifier(HTTPMessageVerifier):
    """Judges the instant by the clock that it is given, and remembers what should be signed."""

    def __init__(self, keys: _Keys, now: datetime, within: timedelta) -> None:
        super().__init__(signature_algorithm=algorithms.ED25519, key_resolver=keys)
        self._now, self._within, self._base = now, within, ""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:  # noqa: ARG002
        """Raises SignatureExpired, and InvalidSignature without `created`."""
        created, expires = (sig_input.params.get(name) for name in ("created", "expires"))
        if type(created) is not int:
            raise InvalidSignature('parameter "created" is missing')
        instant = self._now.timestamp()
        ended = type(expires) is int and expires < instant
        if abs(instant - created) > self._within.total_seconds() or ended:
            raise SignatureExpired(
                extra={"server_time": self._now.isoformat()}, seconds=self._within.seconds
            )

    def told(self, error: InvalidSignature) -> dict[str, str]:
        """What helps who signs: the reason, and the very text whose signature was expected."""
        known = {"signature_base": self._base} if self._base else {}
        return {"reason": str(error) or "not a signature by this key of signature_base"} | known

    def _build_signature_base(self, *args: Any, **kwargs: Any) -> Any:
        made = super()._build_signature_base(*args, **kwargs)
        self._base = made[0]
        return made
