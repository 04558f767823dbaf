"""A witness: it signs a head of a log only when that head continues the last one it signed.

It speaks C2SP's tlog-witness: the log offers a head together with a proof, and gets a cosignature
or a refusal with a reason. All it keeps is that last head, in a file; it needs nothing else of this
installation and runs best under another owner.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import notes
from .notes import Head, NoteInvalid, Verifier
from .tree import consistent

ADD = "/add-checkpoint"
MOST_BYTES = 16_384
SIZE_TYPE = "text/x.tlog.size"
_MOST_HASHES = 63
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """A head that is offered: the size that its proof begins at, and the proof."""

    old: int
    path: tuple[bytes, ...]
    note: str

    def __str__(self) -> str:
        """The body of the request."""
        proof = "".join(f"{base64.b64encode(one).decode()}\n" for one in self.path)
        return f"old {self.old}\n{proof}\n{self.note}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness says."""

    status: HTTPStatus
    text: str = ""

    @property
    def type(self) -> str:
        """Of a conflict the text is the size that the witness has."""
        return SIZE_TYPE if self.status is HTTPStatus.CONFLICT else "text/plain"


def parsed(text: str) -> Offer:
    """An offered head. Raises NoteInvalid."""
    top, gap, note = text.partition("\n\n")
    first, *hashes = top.split("\n")
    word, _, size = first.partition(" ")
    if not gap or word != "old" or not size.isdecimal() or str(int(size)) != size:
        raise NoteInvalid
    try:
        path = tuple(base64.b64decode(one, validate=True) for one in hashes)
    except binascii.Error as error:
        raise NoteInvalid from error
    if len(path) > _MOST_HASHES:
        raise NoteInvalid
    return Offer(int(size), path, note)


@dataclass
class Witness:
    """A name, its key, the log that it watches, and the file of the last head it signed."""

    name: str
    key: Ed25519PrivateKey
    log: Verifier
    file: Path

    def add(self, text: str, now: datetime) -> Answer:
        """Sign an offered head, or say why not. One at a time."""
        try:
            offer = parsed(text)
            head = notes.opened(offer.note, self.log)
        except NoteInvalid:
            return Answer(HTTPStatus.FORBIDDEN, "not a head that the log's key signed\n")
        if head.origin != self.log.name:
            return Answer(HTTPStatus.NOT_FOUND, "another log\n")
        if head.size < offer.old:
            return Answer(HTTPStatus.BAD_REQUEST, "the head is older than its proof\n")
        last = self.last()
        if offer.old != last.size or (head.size == last.size and head.root != last.root):
            return Answer(HTTPStatus.CONFLICT, f"{last.size}\n")
        if not _continues(last, head, offer.path):
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, "the head does not continue the last\n")
        self._keep(head)
        return Answer(HTTPStatus.OK, notes.cosigned(offer.note, self.name, self.key, now))

    def last(self) -> Head:
        """The last head that was signed; one of no leaves before the first."""
        try:
            kept = json.loads(self.file.read_text("ascii"))
        except FileNotFoundError:
            return Head(self.log.name, 0, b"")
        return Head(self.log.name, kept["size"], base64.b64decode(kept["root"]))

    def _keep(self, head: Head) -> None:
        """Written to the disk before anybody sees the signature."""
        told = {"size": head.size, "root": base64.b64encode(head.root).decode()}
        beside = self.file.with_suffix(".new")
        with beside.open("w", encoding="ascii") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.file)


def key_in(file: Path) -> Ed25519PrivateKey:
    """The key of a file; a new one is made where there is none, readable by its owner only."""
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read_text("ascii")))
    except FileNotFoundError:
        key = Ed25519PrivateKey.generate()
        kept = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(kept, "w", encoding="ascii") as out:
            out.write(key.private_bytes_raw().hex())
        return key


def serve(witness: Witness, port: int, host: str = "127.0.0.1") -> HTTPServer:
    """A server that answers one request after the other; the caller lets it run."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS

        def do_POST(self) -> None:
            """Take a head."""
            self._say(self._answer())

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the command prints what was decided."""

        def _answer(self) -> Answer:
            length = self.headers.get("Content-Length", "")
            if self.path != ADD:
                return Answer(HTTPStatus.NOT_FOUND)
            if not length.isdecimal() or int(length) > MOST_BYTES:
                return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            try:
                text = self.rfile.read(int(length)).decode("utf-8")
            except UnicodeDecodeError:
                return Answer(HTTPStatus.BAD_REQUEST)
            return witness.add(text, datetime.now(UTC))

        def _say(self, answer: Answer) -> None:
            body = answer.text.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return HTTPServer((host, port), Handler)


def _continues(last: Head, head: Head, path: tuple[bytes, ...]) -> bool:
    if last.size == 0:
        return not path
    return consistent(last.size, head.size, last.root, head.root, path)
