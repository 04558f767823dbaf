"""Small files that people hand in: looked at by their content, cleaned, and kept encrypted.

They stand in PostgreSQL, so that a file and the row that names it are written, backed up and
deleted together. Nothing of the sender's file name is kept, and of what a camera wrote into it only
`Facts`, apart from the picture. An emptied file leaves its hash and its likeness.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from voucher_service.infra.core import core_of
from voucher_service.infra.database import Base, Recorded
from voucher_service.infra.secrets import Keyring
from voucher_service.kernel.errors import Unprocessable
from voucher_service.kernel.ids import new_id

from . import uploads
from .uploads.pool import POOL

PDF, JPEG = uploads.PDF, uploads.JPEG
# Looked at before a restricted process is asked.
_STARTS = (uploads.PDF_START, b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_LIKENESS_BITS = 64
# Decimals of a degree that a picture's position is kept to.
_PLACES = 3


class FileRefused(Unprocessable):
    """Neither a PDF nor a JPEG or PNG picture by its content."""

    code = "file_refused"


class FileDamaged(FileRefused):
    """A PDF or picture that can't be read whole, or not without what is never taken over."""

    code = uploads.DAMAGED


class FileTooDemanding(FileRefused):
    """Reading it takes more time or memory than one file may cost."""

    code = uploads.TOO_DEMANDING


class PictureTooLarge(FileRefused):
    """A JPEG of more than 40 million pixels, a PNG or progressive JPEG of more than 20 million."""

    code = uploads.TOO_MANY_PIXELS


class PdfTooLong(FileRefused):
    """A PDF of more than 30 pages."""

    code = uploads.TOO_MANY_PAGES


class PdfLocked(FileRefused):
    """A PDF that opens with a password only."""

    code = uploads.LOCKED


class PdfForm(FileRefused):
    """A form (XFA) that another program draws: its pages are empty."""

    code = uploads.FORM


class FileTooLarge(Unprocessable):
    """The file is larger than `onboarding.file_limit_bytes`."""

    code = "file_too_large"


_REFUSALS = {leaf.code: leaf for leaf in FileRefused.__subclasses__()}
# Every code with which a file is refused, for whoever shows it beside the file.
FILE_REFUSALS = frozenset({FileRefused.code, FileTooLarge.code, *_REFUSALS})


class FileRow(Recorded, Base):
    """One file. `cipher` is bound to the id; `sha256` is the clean content's, in hex. `likeness` is
    signed, as PostgreSQL has 64 bits.
    """

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("media_type IN ('application/pdf', 'image/jpeg')", "media_type"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    cipher: Mapped[bytes | None]
    taken_at: Mapped[datetime | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    likeness: Mapped[int | None] = mapped_column(BigInteger)
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


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture's camera noted, as far as it did; the kept file does not say it any more.

    `taken_at` is the camera's own clock, Shanghai's where it names no offset; position in degrees.
    `likeness`: 64 bits of a picture, of which near-duplicates differ in few; None for a PDF.
    """

    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    likeness: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A file that may be kept, and what was found in the one that was sent."""

    content: Content
    facts: Facts


def received(data: bytes, *, most_bytes: int) -> Received:
    """What somebody uploaded, made anew in a restricted process: no byte of theirs is kept.

    Raises FileTooLarge, a FileRefused that says why, TryAgain.
    """
    if len(data) > most_bytes:
        raise FileTooLarge(most=most_bytes // 1_048_576)
    if not data.startswith(_STARTS):
        raise FileRefused
    answer = POOL.redrawn(data)
    if "refused" in answer.told:
        raise _REFUSALS.get(str(answer.told["refused"]), FileDamaged)
    made, start = (PDF, _STARTS[0]) if data.startswith(_STARTS[0]) else (JPEG, _STARTS[1])
    if answer.told.get("media_type") != made or not answer.body.startswith(start):
        raise FileDamaged
    return Received(Content(made, answer.body), _facts(answer.told))


def clean(data: bytes, *, most_bytes: int) -> Content:
    """The same for whom the facts do not matter."""
    return received(data, most_bytes=most_bytes).content


def _facts(told: Mapping[str, Any]) -> Facts:
    """Only what has the form of a fact: it was written by a process that read a stranger's file."""
    likeness = told.get("likeness")
    place = _within(told.get("latitude"), 90), _within(told.get("longitude"), 180)
    latitude, longitude = place if None not in place else (None, None)
    return Facts(
        taken_at=_instant(told.get("taken_at")),
        latitude=latitude,
        longitude=longitude,
        likeness=likeness if type(likeness) is int and 0 <= likeness < 2**_LIKENESS_BITS else None,
    )


def _within(told: object, most: int) -> float | None:
    return told if isinstance(told, float) and -most <= told <= most else None


def _instant(told: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return found if found.tzinfo else None


def put(session: Session, *, content: Content, now: datetime, facts: Facts | None = None) -> UUID:
    """Keep a clean file, and what its camera noted; its id.

    The position is kept to a thousandth of a degree, some 100 m: it tells a shop's street from
    another town, and says no more of where people live.
    """
    id, known = new_id(), facts or Facts()
    session.add(
        FileRow(
            id=id,
            media_type=content.media_type,
            size=len(content.data),
            sha256=content.sha256,
            cipher=_encrypted(core_of(session).keyring, id, content.data),
            taken_at=known.taken_at,
            latitude=_coarse(known.latitude),
            longitude=_coarse(known.longitude),
            likeness=None if known.likeness is None else _signed(known.likeness),
            occurred_at=now,
        )
    )
    session.flush()
    return id


def get(session: Session, *, file: UUID) -> Content | None:
    """A file's content; None when there is none by that id, or it was emptied."""
    row = session.get(FileRow, file)
    if row is None or row.cipher is None:
        return None
    return Content(row.media_type, _decrypted(core_of(session).keyring, row.id, row.cipher))


def facts(session: Session, *, files: Collection[UUID]) -> dict[UUID, Facts]:
    """What is known of the pictures among these files; of an emptied one its likeness."""
    rows = session.scalars(select(FileRow).where(FileRow.id.in_(files)))
    return {
        row.id: Facts(
            row.taken_at,
            row.latitude,
            row.longitude,
            None if row.likeness is None else row.likeness % 2**_LIKENESS_BITS,
        )
        for row in rows
    }


def kept(session: Session, *, files: Collection[UUID]) -> set[UUID]:
    """Which of the files have not been emptied."""
    found = select(FileRow.id).where(FileRow.id.in_(files), FileRow.cipher.is_not(None))
    return set(session.scalars(found))


def empty(session: Session, *, files: Collection[UUID]) -> int:
    """Delete what these files hold, and where and when a picture was taken; how many held it."""
    done: Any = session.execute(
        update(FileRow)
        .where(FileRow.id.in_(files), FileRow.cipher.is_not(None))
        .values(cipher=None, taken_at=None, latitude=None, longitude=None)
    )
    return int(done.rowcount)


def fingerprints(session: Session, *, files: Collection[UUID]) -> list[str]:
    """The SHA-256 of each file's content, in hex, in the order of their ids."""
    found = select(FileRow.sha256).where(FileRow.id.in_(files)).order_by(FileRow.id)
    return list(session.scalars(found))


def pictures(session: Session, *, files: Collection[UUID]) -> set[UUID]:
    """Which of the files are pictures that can be shown."""
    found = select(FileRow.id).where(
        FileRow.id.in_(files), FileRow.media_type == JPEG, FileRow.cipher.is_not(None)
    )
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
        if row.cipher is not None:
            row.cipher = _encrypted(keyring, row.id, _decrypted(keyring, row.id, row.cipher))
    session.flush()
    return len(rows)


def _encrypted(keyring: Keyring, id: UUID, data: bytes) -> bytes:
    return keyring.encrypt(base64.b64encode(data).decode(), bound_to=f"file:{id}")


def _decrypted(keyring: Keyring, id: UUID, cipher: bytes) -> bytes:
    return base64.b64decode(keyring.decrypt(cipher, bound_to=f"file:{id}"))


def _coarse(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, _PLACES)


def _signed(bits: int) -> int:
    return bits - 2**_LIKENESS_BITS if bits >= 2 ** (_LIKENESS_BITS - 1) else bits
