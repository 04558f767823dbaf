"""Heads of the log as signed notes: the checkpoint form of C2SP, Ed25519 signatures, cosignatures.

A note is some lines, an empty line and its signatures. See c2sp.org: signed-note, tlog-checkpoint
and tlog-cosignature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from voucher_service.kernel.errors import Malformed

_SIGNED = b"\x01"
_COSIGNED = b"\x04"
_KEY_ID_BYTES = 4
_STAMP_BYTES = 8


class NoteInvalid(Malformed):
    """The text is no checkpoint, or none of the key that should have signed it."""

    code = "note_invalid"


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log had come: its name, how many leaves, and their root."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who signs: a name and a public key. `cosigns`: a witness, whose signature has an instant."""

    name: str
    key: Ed25519PublicKey
    cosigns: bool = False

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of a name apart."""
        kind = _COSIGNED if self.cosigns else _SIGNED
        told = self.name.encode() + b"\n" + kind + self.key.public_bytes_raw()
        return hashlib.sha256(told).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        """The form in which a verifier key is published."""
        kind = _COSIGNED if self.cosigns else _SIGNED
        public = base64.b64encode(kind + self.key.public_bytes_raw()).decode()
        return f"{self.name}+{self.id.hex()}+{public}"


def verifier(name: str, key: Ed25519PrivateKey, *, cosigns: bool = False) -> Verifier:
    """The public side of a key."""
    return Verifier(name, key.public_key(), cosigns)


def parsed_verifier(text: str) -> Verifier:
    """A published verifier key. Raises NoteInvalid."""
    try:
        name, id, public = text.strip().split("+", 2)
        raw = base64.b64decode(public, validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw[1:])
        found = Verifier(name, key, cosigns=raw[:1] == _COSIGNED)
        fits = found.id.hex() == id and raw[:1] in (_SIGNED, _COSIGNED)
    except (ValueError, binascii.Error) as error:
        raise NoteInvalid from error
    if not fits:
        raise NoteInvalid
    return found


def signed(head: Head, key: Ed25519PrivateKey) -> str:
    """A head as a note with its own log's signature."""
    who = verifier(head.origin, key)
    return f"{head.body}\n{_line(who, key.sign(head.body.encode()))}"


def cosigned(note: str, name: str, key: Ed25519PrivateKey, at: datetime) -> str:
    """The line that a witness adds to a note, at an instant in whole seconds."""
    body, _ = split(note)
    seconds = int(at.timestamp())
    message = f"cosignature/v1\ntime {seconds}\n{body}".encode()
    stamp = seconds.to_bytes(_STAMP_BYTES, "big")
    return _line(verifier(name, key, cosigns=True), stamp + key.sign(message))


def split(note: str) -> tuple[str, list[str]]:
    """The body of a note and its signature lines. Raises NoteInvalid."""
    body, gap, signatures = note.partition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise NoteInvalid
    return body + "\n", signatures.splitlines()


def opened(note: str, who: Verifier) -> Head:
    """The head of a note that its own log signed. Raises NoteInvalid."""
    body, signatures = split(note)
    for found in _signatures(who, signatures):
        try:
            who.key.verify(found, body.encode())
        except InvalidSignature:
            continue
        return _head(body)
    raise NoteInvalid


def witnessed_at(note: str, who: Verifier) -> datetime | None:
    """When a witness signed a note, or None when it did not."""
    body, signatures = split(note)
    for found in _signatures(who, signatures):
        seconds = int.from_bytes(found[:_STAMP_BYTES], "big")
        try:
            message = f"cosignature/v1\ntime {seconds}\n{body}".encode()
            who.key.verify(found[_STAMP_BYTES:], message)
        except InvalidSignature:
            continue
        return datetime.fromtimestamp(seconds, UTC)
    return None


def _head(body: str) -> Head:
    lines = body.split("\n")
    try:
        origin, size, root = lines[:3]
        head = Head(origin, int(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error) as error:
        raise NoteInvalid from error
    # Only the one spelling: no sign, no leading nought, no other form of the root.
    if (
        head.size < 0
        or head.body != "\n".join(lines[:3]) + "\n"
        or len(head.root) != hashlib.sha256().digest_size
    ):
        raise NoteInvalid
    return head


def _signatures(who: Verifier, lines: list[str]) -> list[bytes]:
    """What stands under a verifier's name and key number, without the number."""
    found = []
    for one in lines:
        dash, _, rest = one.partition(" ")
        name, _, value = rest.partition(" ")
        try:
            raw = base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise NoteInvalid from error
        # The last character of base64 has bits that mean nothing: one spelling is right.
        if dash != "\N{EM DASH}" or base64.b64encode(raw).decode() != value:
            raise NoteInvalid
        if name == who.name and raw[:_KEY_ID_BYTES] == who.id:
            found.append(raw[_KEY_ID_BYTES:])
    return found


def _line(who: Verifier, signature: bytes) -> str:
    return f"\N{EM DASH} {who.name} {base64.b64encode(who.id + signature).decode()}\n"
