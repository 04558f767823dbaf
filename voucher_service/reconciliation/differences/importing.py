"""Take a channel's file: read it, compare it, keep each line, open what differs; all or nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind
from voucher_service.kernel.clock import day_of, end_of
from voucher_service.kernel.ids import MerchantId, RedemptionId, ShopId, new_id
from voucher_service.merchants import service as merchants

from ..model import Finding
from . import checks, comparing, explaining, holding, line_store, store
from .comparing import Span
from .layout import Days, Format
from .model import (
    LIFECYCLE,
    ChannelFile,
    ChannelFileId,
    ChannelFileKnown,
    ChannelFileUnlike,
    ChannelLine,
    DifferenceId,
    Event,
    Status,
    holds,
)
from .reading import Reading
from .tables import ChannelFileRow, DifferenceRow

_PIECE = 1024 * 1024
_JUDGED_FROM = 1_000
_WHOLE_BPS = 10_000


def take(
    core: Core,
    *,
    actor: Actor,
    format: str,
    file_name: str,
    source: BinaryIO,
    merchant: MerchantId | None = None,
    shop: ShopId | None = None,
    with_others: bool = False,
    days: Days | None = None,
    patient: bool = False,
    end: Callable[[Session, ChannelFile], None] | None = None,
) -> ChannelFile:
    """Import a file that can be sought in, and open a difference for each line that is not alike.

    A file of a payment channel is about the whole city or one `merchant`, a till's about one
    `shop`, a bank's about all that settlement pays. `with_others`: it also holds orders without a
    voucher, so that what only they have is no difference. `days`: which business days it is about,
    needed where it has no line, or lines of several days. Earlier differences that this file or our
    books explain end by themselves. `patient`: wait for another import of the same channel and
    scope to end. `end` is called with what was made, before it counts.

    Raises NotAllowed, ChannelFormatUnknown, ScopeInvalid, ChannelFileTooLarge, DaysInvalid, and
    NoSuchThing for a merchant or shop that is not there, before anything is compared;
    ChannelFileKnown, ChannelFileInvalid and ChannelFileUnlike, and then nothing is kept.
    """
    size = _size(source)
    found = checks.check_about(
        core, actor=actor, format=format, merchant=merchant, shop=shop, size_bytes=size
    )
    digest, scope = _digest(source), str(shop or merchant or "")
    with core.transaction() as session:
        checks.check_known(session, merchant=merchant, shop=shop)
        checks.check_days(found, days, core.now(session))
        # The same bytes may be read as two formats, of two channels.
        about = f"{digest.hex()}:{scope}", f"{found.channel}:{scope}"
        store.lock(session, *about, patient=patient)
        now, id = core.now(session), ChannelFileId(new_id())
        if earlier := store.known(session, sha256=digest, scope=scope, days=days):
            raise ChannelFileKnown(extra={"file_id": str(earlier)})
        span = _compare(session, Reading(found, source, days), id, merchant, shop)
        counts, ours, theirs = comparing.count(session, file=id)
        made = ChannelFile(
            id,
            found.id,
            merchant,
            shop,
            with_others,
            file_name,
            digest.hex(),
            size,
            span.days.first,
            span.days.last,
            counts,
            ours,
            theirs,
            store.same_days(session, channel=found.channel, scope=scope, days=span.days),
            actor.id if actor.kind is ActorKind.STAFF else None,
            now,
        )
        different = _different(session, made, found, scope)
        store.add_file(session, _columns(made, found, scope))
        ended = _end_explained(session, made, found, scope, now)
        opened = _open(session, made, found, scope, different, now)
        _record(session, made, actor, opened=opened, ended=ended)
        kept = store.files(session, ChannelFileRow.id == id)[0]
        if end is not None:
            end(session, kept)
        return kept


def due(core: Core, now: datetime) -> datetime:
    """By when a difference found now is to be closed."""
    return end_of(day_of(now) + timedelta(days=core.settings.matching.difference_days))


def _size(source: BinaryIO) -> int:
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return size


def _digest(source: BinaryIO) -> bytes:
    found = hashlib.sha256()
    while piece := source.read(_PIECE):
        found.update(piece)
    source.seek(0)
    return found.digest()


def _compare(
    session: Session,
    reading: Reading,
    id: ChannelFileId,
    merchant: MerchantId | None,
    shop: ShopId | None,
) -> Span:
    """Read the file and keep its lines beside ours; the days that it is about."""
    comparing.prepare(session)
    comparing.stage(session, reading.lines())
    span = Span(reading.about, merchant, shop)
    comparing.gather(session, format=reading.format, span=span)
    comparing.compare(session, file=id, format=reading.format)
    return span


def _record(session: Session, made: ChannelFile, actor: Actor, *, opened: int, ended: int) -> None:
    audit.record(
        session,
        actor=actor,
        action="channel_file.imported",
        object_type="channel_file",
        object_id=str(made.id),
        now=made.made_at,
        detail={
            "format": made.format,
            "sha256": made.sha256,
            "lines": made.lines,
            "ours_fen": made.ours.fen,
            "theirs_fen": made.theirs.fen,
            "opened": opened,
            "ended": ended,
        },
    )


def _different(
    session: Session, made: ChannelFile, format: Format, scope: str
) -> list[tuple[ChannelLine, int]]:
    """The lines that become differences. Raises ChannelFileUnlike when they are too many."""
    rules = core_of(session).settings.matching
    most = rules.most_differences
    # A part at a time, and no more of them than decide: all lines of a file may be shifted.
    lines = line_store.unmatched(
        session,
        file=made.id,
        channel=format.channel,
        scope=scope,
        also_theirs=not made.with_others,
    )
    found = list(islice((one for one in lines if not _only_shifted(one[0], format)), most + 1))
    about = made.lines - (made.counts[Finding.ONLY_THEIRS] if made.with_others else 0)
    too_large_a_part = about >= _JUDGED_FROM and len(found) * _WHOLE_BPS > about * rules.unlike_bps
    if len(found) > most or too_large_a_part:
        raise ChannelFileUnlike(different=made.different, lines=made.lines)
    return found


def _only_shifted(line: ChannelLine, format: Format) -> bool:
    """Whether the same order stands on another day, no further away than the format allows."""
    if line.finding is not Finding.DATE_SHIFTED:
        return False
    assert line.ours is not None and line.theirs is not None
    return abs(line.theirs.day - format.business_day(line.ours.at)).days <= format.shift_days


def _end_explained(
    session: Session, made: ChannelFile, format: Format, scope: str, now: datetime
) -> int:
    found = explaining.explained(
        session,
        file=made.id,
        format=format,
        scope=scope,
        merchant=made.merchant_id,
        shop=made.shop_id,
    )
    # Somebody may have proposed what closes one of them meanwhile: that one is left alone.
    ended = store.still_open(session, found)
    ids = sorted(one.id for one in ended)
    if not ids:
        return 0
    audit.transition_all(
        session,
        DifferenceRow,
        moves=[audit.Move(id, SYSTEM, {"file": str(made.id), "why": found[id]}) for id in ids],
        current=Status.OPEN,
        lifecycle=LIFECYCLE,
        event=Event.FOUND,
        now=now,
        set_={"closed_at": now},
    )
    store.add_notes(session, [_note(id, Event.FOUND, found[id], now) for id in ids])
    holding.let_go(session, [one.id for one in ended if one.holds], by=SYSTEM, now=now)
    return len(ids)


def _open(
    session: Session,
    made: ChannelFile,
    format: Format,
    scope: str,
    lines: Sequence[tuple[ChannelLine, int]],
    now: datetime,
) -> int:
    """Open the differences that are not under way already; how many."""
    orders = {line.ours.redemption_id for line, _ in lines if line.ours and line.ours.redemption_id}
    places = store.places(session, orders)
    elsewhere: tuple[ShopId | None, str] = (None, "")
    if made.shop_id is not None:
        elsewhere = made.shop_id, merchants.load_shop(session, shop=made.shop_id).area
    rows = [
        _difference(session, made, format, scope, line, ordinal, now)
        | dict(zip(("shop_id", "area"), _place(line, places, elsewhere), strict=True))
        for line, ordinal in lines
    ]
    new = set(store.add_differences(session, rows))
    opened = [row for row in rows if row["id"] in new]
    audit.record_all(
        session,
        action="difference.opened",
        object_type=LIFECYCLE.name,
        moves=[
            audit.Move(row["id"], SYSTEM, {"file": str(made.id), "finding": str(row["finding"])})
            for row in opened
        ],
        now=now,
        to_status=str(LIFECYCLE.initial),
    )
    holding.hold(session, [row["id"] for row in opened if row["holds"]], now=now)
    return len(opened)


def _place(
    line: ChannelLine,
    places: Mapping[RedemptionId, tuple[ShopId, str]],
    elsewhere: tuple[ShopId | None, str],
) -> tuple[ShopId | None, str]:
    """The shop and the area of our order; else those of the file, if it is of one shop."""
    order = line.ours.redemption_id if line.ours else None
    return places[order] if order else elsewhere


def _difference(
    session: Session,
    made: ChannelFile,
    format: Format,
    scope: str,
    line: ChannelLine,
    ordinal: int,
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": DifferenceId(new_id()),
        "file_id": made.id,
        "place": line.place,
        "channel": format.channel,
        "scope": scope,
        "kind": line.kind,
        "reference": line.reference,
        "ordinal": ordinal,
        "finding": line.finding,
        "redemption_id": line.ours.redemption_id if line.ours else None,
        "payment_id": line.ours.payment_id if line.ours else None,
        "holds": holds(line),
        "status": LIFECYCLE.initial,
        "owner_id": made.made_by,
        "due_at": due(core_of(session), now),
        "occurred_at": now,
    }


def _note(id: DifferenceId, event: Event, why: str, now: datetime) -> dict[str, Any]:
    return {"difference_id": id, "event": str(event), "body": why, "occurred_at": now}


def _columns(made: ChannelFile, format: Format, scope: str) -> dict[str, Any]:
    return {
        "id": made.id,
        "format": made.format,
        "channel": format.channel,
        "merchant_id": made.merchant_id,
        "shop_id": made.shop_id,
        "scope": scope,
        "with_others": made.with_others,
        "file_name": made.file_name,
        "sha256": bytes.fromhex(made.sha256),
        "size_bytes": made.size_bytes,
        "first_day": made.first,
        "last_day": made.last,
        "counts": {str(finding): count for finding, count in made.counts.items()},
        "ours_fen": made.ours,
        "theirs_fen": made.theirs,
        "replaces": made.replaces,
        "made_by": made.made_by,
        "occurred_at": made.made_at,
    }
