"""Take a file that is too large for a request: keep it as it came, read it in the background.

The reader is the schedule, one file after the other. Until a file is taken or refused nothing of
it is in the books, so that a reader that was killed begins again; one that breaks off again and
again is given up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, BinaryIO, cast

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import spool
from voucher_service.infra.core import Core
from voucher_service.infra.spool import Incoming
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import MerchantId, ShopId, new_id

from . import checks, importing, upload_store
from .layout import Days, Format
from .model import ChannelFile
from .tables import UploadRow
from .uploads import (
    UPLOAD,
    Upload,
    UploadBroken,
    UploadEvent,
    UploadId,
    UploadLost,
    UploadStatus,
    UploadsWaiting,
)

_ATTEMPTS = 3
_NOTED_SECONDS = 1.0
_SHOWN = timedelta(days=7)
_WAITING = UploadRow.status == UploadStatus.WAITING


def check_size(core: Core, size_bytes: int) -> None:
    """Whether a file may be sent at all: before any of it is read.

    Raises ChannelFileTooLarge, StorageFull, StorageAway.
    """
    checks.check_limit(core, size_bytes)
    spool.check_room(spool.folder(core.settings), size_bytes)


def check(
    core: Core,
    *,
    actor: Actor,
    format: str,
    size_bytes: int,
    merchant: MerchantId | None = None,
    shop: ShopId | None = None,
    days: Days | None = None,
) -> None:
    """Whether this file may be sent, before any of it is read. Raises what `keep` raises."""
    found = checks.check_about(
        core, actor=actor, format=format, merchant=merchant, shop=shop, size_bytes=size_bytes
    )
    spool.check_room(spool.folder(core.settings), size_bytes)
    with core.transaction() as session:
        _check(core, session, found, merchant, shop, days)


def keep(
    core: Core,
    *,
    actor: Actor,
    format: str,
    file_name: str,
    incoming: Incoming,
    merchant: MerchantId | None = None,
    shop: ShopId | None = None,
    with_others: bool = False,
    days: Days | None = None,
) -> Upload:
    """Keep a file to be read in the background. `days`: which business days it is about, needed
    where it has no line, or lines of several days.

    Raises NotAllowed, ChannelFormatUnknown, ScopeInvalid, NoSuchThing, ChannelFileTooLarge,
    DaysInvalid, UploadsWaiting, StorageFull, StorageAway; then nothing is kept.
    """
    size = incoming.seek(0, os.SEEK_END)
    found = checks.check_about(
        core, actor=actor, format=format, merchant=merchant, shop=shop, size_bytes=size
    )
    place, id = spool.folder(core.settings), UploadId(new_id())
    try:
        with core.transaction() as session:
            upload_store.lock(session)
            _check(core, session, found, merchant, shop, days)
            spool.keep(incoming, place, id)
            now = core.now(session)
            told = {
                "id": id,
                "format": found.id,
                "merchant_id": merchant,
                "shop_id": shop,
                "with_others": with_others,
                "first_day": days.first if days else None,
                "last_day": days.last if days else None,
                "file_name": file_name,
                "size_bytes": size,
                "read_bytes": 0,
                "attempts": 0,
                "status": UPLOAD.initial,
                "made_by": actor.id,
                "occurred_at": now,
            }
            upload_store.add(session, told)
            audit.record(
                session,
                actor=actor,
                action="channel_upload.sent",
                object_type=UPLOAD.name,
                object_id=str(id),
                now=now,
                to_status=str(UPLOAD.initial),
                detail={"format": found.id, "bytes": size},
            )
            return upload_store.uploads(session, UploadRow.id == id)[0]
    except BaseException:
        spool.drop(place, id)
        raise


def get(core: Core, *, actor: Actor, upload: UploadId) -> Upload:
    """A file that was sent, and what became of it. Raises NotAllowed, NoSuchThing."""
    checks.check_importer(actor)
    with core.transaction() as session:
        found = upload_store.uploads(session, UploadRow.id == upload)
    if not found:
        raise NoSuchThing
    return found[0]


def current(core: Core, *, actor: Actor) -> list[Upload]:
    """The files that wait, and those refused within a week, the oldest first. Raises NotAllowed."""
    checks.check_importer(actor)
    with core.transaction() as session:
        refused = UploadRow.status == UploadStatus.REFUSED
        lately = UploadRow.ended_at > core.now(session) - _SHOWN
        return upload_store.uploads(session, _WAITING | (refused & lately))


def take_waiting(core: Core) -> int:
    """Read the file that waits longest; how many were read or refused. Raises StorageAway."""
    place = spool.folder(core.settings)
    with core.transaction() as session:
        found = upload_store.uploads(session, _WAITING, limit=1, lock=True)
        if not found:
            return 0
        upload = found[0]
        upload_store.change(session, upload.id, attempts=upload.attempts + 1, read_bytes=0)
    if upload.attempts >= _ATTEMPTS:
        _refuse(core, upload, UploadBroken())
    else:
        try:
            with spool.opened(place, upload.id) as source:
                _take(core, upload, source)
        except FileNotFoundError:
            _refuse(core, upload, UploadLost())
        except DomainError as error:
            if error.retryable:
                raise
            _refuse(core, upload, error)
    spool.drop(place, upload.id)
    return 1


def sweep(core: Core) -> int:
    """Remove what interrupted requests left; how many files."""
    with core.transaction() as session:
        known = [one.id for one in upload_store.uploads(session, _WAITING)]
    return spool.sweep(spool.folder(core.settings), known)


class _Counted:
    """A file that says how far it was read, at most once a second, and at its end."""

    def __init__(self, source: BinaryIO, note: Callable[[int], None]) -> None:
        self._source, self._note = source, note
        self._read, self._noted_at = 0, time.monotonic()

    def readline(self, most: int = -1) -> bytes:
        line = self._source.readline(most)
        self._read += len(line)
        if not line or time.monotonic() - self._noted_at > _NOTED_SECONDS:
            self._noted_at = time.monotonic()
            self._note(self._read)
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def _take(core: Core, upload: Upload, source: BinaryIO) -> None:
    def note(read: int) -> None:
        with core.transaction() as session:
            upload_store.change(session, upload.id, read_bytes=read)

    def end(session: Session, made: ChannelFile) -> None:
        _end(core, session, upload, UploadEvent.TAKEN, file_id=made.id)

    importing.take(
        core,
        actor=Actor(ActorKind.STAFF, upload.made_by, frozenset({Role.FINANCE}), ""),
        format=upload.format,
        file_name=upload.file_name,
        source=cast(BinaryIO, _Counted(source, note)),
        merchant=upload.merchant_id,
        shop=upload.shop_id,
        with_others=upload.with_others,
        days=upload.days,
        patient=True,
        end=end,
    )


def _check(
    core: Core,
    session: Session,
    format: Format,
    merchant: MerchantId | None,
    shop: ShopId | None,
    days: Days | None,
) -> None:
    checks.check_known(session, merchant=merchant, shop=shop)
    checks.check_days(format, days, core.now(session))
    most = core.settings.matching.most_waiting
    if upload_store.waiting(session) >= most:
        raise UploadsWaiting(most=most)


def _refuse(core: Core, upload: Upload, why: DomainError) -> None:
    """Refuse it, with what is needed to say why again: the code, its facts, what else it names."""
    refusal = {"code": why.code, "params": why.params, **why.extra}
    with core.transaction() as session:
        _end(core, session, upload, UploadEvent.REFUSED, refusal=refusal)


def _end(core: Core, session: Session, upload: Upload, event: UploadEvent, **values: Any) -> None:
    now = core.now(session)
    audit.transition(
        session,
        UploadRow,
        id=upload.id,
        current=UploadStatus.WAITING,
        lifecycle=UPLOAD,
        event=event,
        actor=SYSTEM,
        now=now,
        set_={"ended_at": now, **values},
    )
