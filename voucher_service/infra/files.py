"""Small files that people hand in: looked at by their content, cleaned, and kept encrypted.

They stand in PostgreSQL, so that a file and the row that names it are written, backed up and
deleted together. Nothing of the sender's file name or of what a camera wrote into it is kept.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from PIL import Image, ImageOps
from sqlalchemy import CheckConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from voucher_service.infra.core import core_of
from voucher_service.infra.database import Base, Recorded
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.errors import Unprocessable
from voucher_service.kernel.ids import new_id

PDF, JPEG = "application/pdf", "image/jpeg"
MOST_PIXELS = 40_000_000
# The longest side of a picture that is kept, in pixels: a licence can be read at this size.
_LONGEST = 2_400
_QUALITY = 85
_PDF_START, _PDF_END = b"%PDF-", b"%%EOF"
_TAIL = 2_048
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class FileRefused(Unprocessable):
    """Neither a PDF nor a JPEG or PNG picture by its content, damaged, or with too many pixels."""

    code = "file_refused"


class FileTooLarge(Unprocessable):
    """The file is larger than `onboarding.file_limit_bytes`."""

    code = "file_too_large"


class FileRow(Recorded, Base):
    """One file. `cipher` is bound to the id; `sha256` is the clean content's, in hex."""

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("media_type IN ('application/pdf', 'image/jpeg')", "media_type"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    cipher: Mapped[bytes]
    occurred_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds; `media_type` was found by looking, not told by the sender."""

    media_type: str
    data: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, in hex."""
        return hashlib.sha256(self.data).hexdigest()


def clean(data: bytes, *, most_bytes: int) -> Content:
    """A file that may be kept: a picture drawn anew without what its camera noted, a PDF as it is.

    Raises FileTooLarge, FileRefused.
    """
    if len(data) > most_bytes:
        raise FileTooLarge(most=most_bytes // 1_048_576)
    if data.startswith(_PDF_START):
        if _PDF_END not in data[-_TAIL:]:
            raise FileRefused
        return Content(PDF, data)
    return Content(JPEG, _drawn_anew(data))


def _drawn_anew(data: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            # Before a pixel is unpacked: a small file can be a very large picture.
            if picture.width * picture.height > MOST_PIXELS:
                raise FileRefused
            picture.draft("RGB", (_LONGEST, _LONGEST))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except _UNREADABLE as error:
        raise FileRefused from error
    upright.thumbnail((_LONGEST, _LONGEST))
    drawn = io.BytesIO()
    # A new picture without the old one's notes: place, camera, embedded previews.
    Image.frombytes("RGB", upright.size, upright.tobytes()).save(drawn, "JPEG", quality=_QUALITY)
    return drawn.getvalue()


def put(session: Session, *, content: Content, now: datetime) -> UUID:
    """Keep a clean file; its id."""
    id = new_id()
    session.add(
        FileRow(
            id=id,
            media_type=content.media_type,
            size=len(content.data),
            sha256=content.sha256,
            cipher=_encrypted(core_of(session).keyring, id, content.data),
            occurred_at=now,
        )
    )
    session.flush()
    return id


def get(session: Session, *, file: UUID) -> Content | None:
    """A file's content; None when there is none by that id."""
    row = session.get(FileRow, file)
    if row is None:
        return None
    return Content(row.media_type, _decrypted(core_of(session).keyring, row))


def fingerprints(session: Session, *, files: Collection[UUID]) -> list[str]:
    """The SHA-256 of each file's content, in hex, in the order of their ids."""
    found = select(FileRow.sha256).where(FileRow.id.in_(files)).order_by(FileRow.id)
    return list(session.scalars(found))


def pictures(session: Session, *, files: Collection[UUID]) -> set[UUID]:
    """Which of the files are pictures."""
    found = select(FileRow.id).where(FileRow.id.in_(files), FileRow.media_type == JPEG)
    return set(session.scalars(found))


def forget(session: Session, *, file: UUID) -> None:
    """Delete a file."""
    row = session.get(FileRow, file)
    if row is not None:
        session.delete(row)
        session.flush()


def rotate(session: Session, *, batch: int) -> int:
    """Encrypt up to `batch` files under the newest key; how many were under another."""
    keyring = core_of(session).keyring
    newest = keyring.encrypt("", bound_to="")[0]
    old = select(FileRow).where(func.get_byte(FileRow.cipher, 0) != newest).limit(batch)
    rows = list(session.scalars(old.with_for_update(skip_locked=True)))
    for row in rows:
        row.cipher = _encrypted(keyring, row.id, _decrypted(keyring, row))
    session.flush()
    return len(rows)


def _encrypted(keyring: Keyring, id: UUID, data: bytes) -> bytes:
    return keyring.encrypt(base64.b64encode(data).decode(), bound_to=f"file:{id}")


def _decrypted(keyring: Keyring, row: FileRow) -> bytes:
    return base64.b64decode(keyring.decrypt(row.cipher, bound_to=f"file:{row.id}"))
