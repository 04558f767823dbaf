"""Signed requests: the published example, and what a signature must cover."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from voucher_service.infra import signatures
from voucher_service.infra.signatures import (
    DigestMismatch,
    KeyUnknown,
    Message,
    SignatureExpired,
    SignatureInvalid,
    SignatureMissing,
)
from voucher_service.tills import public_keys
from voucher_service.tills.model import PrivateKeySent, PublicKeyInvalid

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"7" * 32)
URL = "https://pos.example/api/v1/redemptions?x=a%20b"
BODY = b'{"code": "1"}'
MINUTE = timedelta(minutes=1)


def signed(body: bytes = BODY, *, tag: str = "t", **headers: str) -> Message:
    """A request as a till sends it."""
    plain = Message("POST", URL, {name.replace("_", "-"): v for name, v in headers.items()}, body)
    made = signatures.sign(plain, tag=tag, key=KEY, key_id="k", now=NOW)
    return replace(plain, headers=made)


def check(message: Message, now: datetime = NOW) -> signatures.Signed:
    """Verify with the one key that is known."""
    known = {"k": KEY.public_key().public_bytes_raw()}
    return signatures.verify(message, tag="t", find=known.get, now=now, within=MINUTE)


def test_a_signed_request_is_known_by_its_key() -> None:
    assert check(signed(idempotency_key="one")).key_id == "k"
    assert len(check(signed(b"")).nonce) == 24


def test_the_signature_is_the_one_of_the_standard() -> None:
    # RFC 9421, appendix B.2.6 and its key of B.1.4.
    key = load_pem_private_key(
        b"-----BEGIN PRIVATE KEY-----\n"
        b"MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"
        b"-----END PRIVATE KEY-----\n",
        None,
    )
    assert isinstance(key, Ed25519PrivateKey)
    base = (
        '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n'
        '"@authority": example.com\n"content-type": application/json\n"content-length": 18\n'
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" '
        '"content-length");created=1618884473;keyid="test-key-ed25519"'
    )
    expected = (
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )
    assert base64.b64encode(key.sign(base.encode())).decode() == expected
    headers = {
        "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "Content-Type": "application/json",
        "Content-Length": "18",
        "Signature-Input": "sig-b26=" + base.rpartition('"@signature-params": ')[2],
        "Signature": f"sig-b26=:{expected}:",
    }
    message = Message("POST", "https://example.com/foo", headers)
    with pytest.raises(SignatureInvalid) as refused:  # it has no tag: not for us
        check(message)
    assert "tag" in refused.value.extra["reason"]


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"url": URL + "1"},
        {"url": URL.replace("https", "http")},
        {"url": URL.replace("pos.", "other.")},
    ],
)
def test_whatever_is_signed_cannot_be_changed(changed: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid) as refused:
        check(replace(signed(), **changed))  # type: ignore[arg-type]
    assert refused.value.extra["signature_base"].startswith('"@method": ')


def test_another_body_is_not_what_was_signed() -> None:
    with pytest.raises(DigestMismatch):
        check(replace(signed(), body=b'{"code": "2"}'))


def test_another_digest_is_not_what_was_signed() -> None:
    message = signed()
    digest = base64.b64encode(hashlib.sha256(b"2").digest()).decode()
    headers = dict(message.headers) | {"Content-Digest": f"sha-256=:{digest}:"}
    with pytest.raises(SignatureInvalid):
        check(replace(message, headers=headers, body=b"2"))


def test_a_body_and_an_idempotency_key_must_be_covered() -> None:
    bare = signed(b"")
    with pytest.raises(SignatureInvalid, match=r"signature_invalid") as refused:
        check(replace(bare, body=BODY))
    assert "content-digest" in refused.value.extra["reason"]
    with pytest.raises(SignatureInvalid) as refused:
        check(replace(bare, headers=dict(bare.headers) | {"Idempotency-Key": "late"}))
    assert "idempotency-key" in refused.value.extra["reason"]


@pytest.mark.parametrize("seconds", [-61, 61, -3600, 10**6])
def test_the_instant_is_judged_by_our_clock(seconds: int) -> None:
    with pytest.raises(SignatureExpired):
        check(signed(), NOW + timedelta(seconds=seconds))
    assert check(signed(), NOW + timedelta(seconds=59)).key_id == "k"
    assert check(signed(), NOW - timedelta(seconds=59)).key_id == "k"


def test_what_is_no_signature_for_us_is_refused() -> None:
    with pytest.raises(SignatureMissing):
        check(Message("POST", URL, {}, BODY))
    with pytest.raises(SignatureInvalid):
        check(signed(tag="other"))
    with pytest.raises(KeyUnknown):
        check(_with(signed(), ("keyid", '"k"', '"l"')))
    for broken in ("", "x", "a=b", "voucher=()", "voucher=1", "?1", "voucher=(;;"):
        with pytest.raises((SignatureInvalid, SignatureMissing)):
            check(replace(signed(), headers=dict(signed().headers) | {"Signature-Input": broken}))


def test_a_key_comes_as_pem_jwk_or_base64() -> None:
    raw = KEY.public_key().public_bytes_raw()
    text = base64.b64encode(raw).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA{text}\n-----END PUBLIC KEY-----\n"
    url = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    jwk = f'{{"kty": "OKP", "crv": "Ed25519", "x": "{url}"}}'
    for spelling in (text, url, pem, jwk, f"  {text}\n"):
        assert public_keys.read(spelling) == raw
    assert public_keys.read(public_keys.jwk(raw, key_id="1")["x"]) == raw


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "A" * 43,  # 32 zero bytes: anybody can sign under this point
        base64.b64encode(b"7" * 31).decode(),
        '{"kty": "RSA", "n": "1", "e": "AQAB"}',
        '{"kty": "OKP", "crv": "X25519", "x": "' + "B" * 43 + '"}',
        "{",
        "-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----",
        "BBBB\u00e9",
    ],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(PublicKeyInvalid):
        public_keys.read(text)


def test_a_private_key_is_refused_with_a_warning() -> None:
    for text in (
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----",
        '{"kty": "OKP", "crv": "Ed25519", "x": "' + "B" * 43 + '", "d": "' + "B" * 43 + '"}',
    ):
        with pytest.raises(PrivateKeySent):
            public_keys.read(text)


def _with(message: Message, change: tuple[str, str, str]) -> Message:
    name, old, new = change
    headers = dict(message.headers)
    headers["Signature-Input"] = headers["Signature-Input"].replace(
        f"{name}={old}", f"{name}={new}"
    )
    return replace(message, headers=headers)
