"""Files at rest: pieces that only a key of ours opens, that can't be swapped, cut or prolonged.

A file begins with a head: which key, its fingerprint, a salt, and a keyed hash of all that. Pieces
follow: each its length, then AES-256-GCM under a key of this file alone (HKDF over salt and name),
the nonce its number and whether it is the last (the STREAM construction). A file given another
name, a piece left out or put elsewhere, a file without its last piece: none of them opens.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voucher_service.infra.secrets import Keyring

from .model import BackupDamaged, BackupWrongKey

_MAGIC = b"VSB1"
_SALT_BYTES = _MAC_BYTES = 16
_FINGERPRINT_BYTES = 8
_TAG_BYTES = 16
_PIECE_BYTES = 1 << 20
_LONGEST = 1 << 26
_MOST_AT_ONCE = 1 << 22
HEAD_BYTES = len(_MAGIC) + 1 + _FINGERPRINT_BYTES + _SALT_BYTES + _MAC_BYTES


class Sealer:
    """Makes the pieces of one file; the head comes first."""

    def __init__(self, keyring: Keyring, name: str) -> None:
        number, key = next(iter(keyring.backup_keys().items()))
        salt = os.urandom(_SALT_BYTES)
        told = _MAGIC + bytes([number]) + fingerprint(key) + salt
        self.head = told + hmac.digest(key, told, "sha256")[:_MAC_BYTES]
        self._cipher, self._number = AESGCM(_own_key(key, salt, name)), 0

    def piece(self, data: bytes, *, last: bool = False) -> bytes:
        """The next piece, with its length."""
        made = self._cipher.encrypt(_nonce(self._number, last=last), data, None)
        self._number += 1
        return len(made).to_bytes(4, "big") + made


class Opener:
    """Opens the pieces of one file in turn. Raises BackupWrongKey, BackupDamaged."""

    def __init__(self, keyring: Keyring, name: str, head: bytes) -> None:
        self._name, self._number = name, 0
        if len(head) != HEAD_BYTES or not head.startswith(_MAGIC):
            raise BackupDamaged(file=name)
        told, mac = head[:-_MAC_BYTES], head[-_MAC_BYTES:]
        number, mark = told[len(_MAGIC)], told[len(_MAGIC) + 1 : -_SALT_BYTES]
        key = keyring.backup_keys().get(number)
        if key is None or fingerprint(key) != mark:
            raise BackupWrongKey(file=name, number=number, fingerprint=mark.hex())
        if not hmac.compare_digest(hmac.digest(key, told, "sha256")[:_MAC_BYTES], mac):
            raise BackupDamaged(file=name)
        self._cipher = AESGCM(_own_key(key, told[-_SALT_BYTES:], name))

    def open(self, data: bytes, *, last: bool) -> bytes:
        """What is in the next piece. Raises BackupDamaged."""
        try:
            found = self._cipher.decrypt(_nonce(self._number, last=last), data, None)
        except InvalidTag as error:
            raise BackupDamaged(file=self._name) from error
        self._number += 1
        return found


class Writer:
    """Writes one compressed, sealed file, whole only after `close`; counts and hashes it."""

    def __init__(self, out: BinaryIO, keyring: Keyring, name: str) -> None:
        self._out, self._sealer = out, Sealer(keyring, name)
        self._compress, self._held = zlib.compressobj(1), bytearray()
        self.bytes, self._hash = 0, hashlib.sha256()
        self._put(self._sealer.head)

    def write(self, data: bytes | memoryview) -> None:
        """Add plain bytes."""
        self._held += self._compress.compress(data)
        while len(self._held) > _PIECE_BYTES:
            self._put(self._sealer.piece(bytes(self._held[:_PIECE_BYTES])))
            del self._held[:_PIECE_BYTES]

    def close(self) -> tuple[int, str]:
        """Write the last piece and flush it to the disk; bytes and SHA-256 of the file."""
        self._held += self._compress.flush()
        self._put(self._sealer.piece(bytes(self._held), last=True))
        self._out.flush()
        os.fsync(self._out.fileno())
        return self.bytes, self._hash.hexdigest()

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self._hash.update(data)
        self.bytes += len(data)


def read(file: BinaryIO, keyring: Keyring, name: str) -> Iterator[bytes]:
    """The plain bytes of a whole file. Raises BackupWrongKey, BackupDamaged."""
    opener, expand = Opener(keyring, name, file.read(HEAD_BYTES)), zlib.decompressobj()
    piece = _next(file)
    while piece is not None:
        following = _next(file)
        held = opener.open(piece, last=following is None)
        while held:
            try:
                yield expand.decompress(held, _MOST_AT_ONCE)
            except zlib.error as error:
                raise BackupDamaged(file=name) from error
            held = expand.unconsumed_tail
        piece = following
    if not expand.eof or expand.unused_data:
        raise BackupDamaged(file=name)


def read_growing(file: BinaryIO, keyring: Keyring, name: str) -> Iterator[bytes]:
    """The plain pieces of a file that is still written. Raises BackupWrongKey, BackupDamaged.

    Ends before a last piece that was cut short: nobody was told yet that it was written.
    """
    opener = Opener(keyring, name, file.read(HEAD_BYTES))
    while (piece := _next(file, torn=True)) is not None:
        try:
            found = opener.open(piece, last=False)
        except BackupDamaged:
            if file.read(1):
                raise
            return
        yield found


def fingerprint(key: bytes) -> bytes:
    """Tells keys apart and says nothing about them."""
    return hashlib.sha256(b"fingerprint\0" + key).digest()[:_FINGERPRINT_BYTES]


def _next(file: BinaryIO, *, torn: bool = False) -> bytes | None:
    """The next piece; None at the end, and with `torn` where one is cut short."""
    length = file.read(4)
    size = int.from_bytes(length, "big")
    data = file.read(size) if len(length) == 4 and _TAG_BYTES <= size <= _LONGEST else b""
    if len(length) == 4 and len(data) == size:
        return data
    if length and not torn:
        raise BackupDamaged(file=getattr(file, "name", "").rpartition("/")[2])
    return None


def _own_key(key: bytes, salt: bytes, name: str) -> bytes:
    info = b"voucher backup\0" + name.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
