"""A till that speaks the contract: it signs what it sends, and can be told to do it wrong."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voucher_service.infra import signatures
from voucher_service.infra.signatures import Message
from voucher_service.tills.model import TAG

_SECONDS = 30


class NoAnswerError(Exception):
    """The server can't be reached, or breaks off."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is {} where it was no JSON object."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.refusal}".strip()

    @property
    def refusal(self) -> str:
        """The code of a refusal; empty for an answer that is none."""
        return str(self.body.get("code", "")) if self.status >= 400 else ""

    @property
    def replayed(self) -> bool:
        """Whether the server says that this is an earlier answer."""
        return self.headers.get("idempotency-replayed") == "true"


class Till:
    """One till of one shop. `origin`: where the merchant face is, https://…"""

    def __init__(self, origin: str, key: Ed25519PrivateKey, key_id: str) -> None:
        self.origin, self.key, self.key_id = origin.rstrip("/"), key, key_id

    def get(self, path: str, **wrong: Any) -> Answer:
        """A reading call below /api/v1."""
        return self.send(self.signed("GET", path, **wrong))

    def post(self, path: str, body: Any, *, key: str | None = None, **wrong: Any) -> Answer:
        """A changing call below /api/v1, with an idempotency key; "" leaves it out."""
        sent = uuid4().hex if key is None else key
        headers = {"Content-Type": "application/json"}
        headers |= {"Idempotency-Key": sent} if sent else {}
        return self.send(self.signed("POST", path, json.dumps(body).encode(), headers, **wrong))

    def signed(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        ago: timedelta = timedelta(),
        key_id: str = "",
        key: Ed25519PrivateKey | None = None,
    ) -> Message:
        """A request with its signature: made so long ago, under another id, or with another key."""
        url = f"{self.origin}/api/v1{path}"
        plain = Message(method, url, {"Accept": "application/json", **(headers or {})}, body)
        made = signatures.sign(
            plain,
            tag=TAG,
            key=key or self.key,
            key_id=key_id or self.key_id,
            now=datetime.now(UTC) - ago,
        )
        return Message(method, url, made, body)

    def send(self, message: Message) -> Answer:
        """Send a request as it is. Raises NoAnswerError."""
        if not message.url.startswith(("http://", "https://")):
            raise NoAnswerError(f"{self.origin} is no http address")
        asked = urllib.request.Request(  # noqa: S310 - judged in the line above
            message.url,
            data=message.body or None,
            headers=dict(message.headers),
            method=message.method,
        )
        try:
            with urllib.request.urlopen(asked, timeout=_SECONDS) as reply:  # noqa: S310 - the same
                return _answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read())
        except OSError as error:
            raise NoAnswerError(f"no answer from {self.origin}: {error}") from error


def _answer(status: int, headers: Any, raw: bytes) -> Answer:
    try:
        body = json.loads(raw)
    except ValueError:
        body = {}
    told = {name.lower(): value for name, value in headers.items()}
    return Answer(status, told, body if isinstance(body, dict) else {})
