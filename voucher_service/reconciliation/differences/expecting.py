"""Say which files are to come of every day; see and be told which did not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import MerchantId, ShopId, new_id

from . import checks, expected_store, formats
from .expected import (
    LOOK_BACK,
    AlreadyExpected,
    ExpectationInvalid,
    Expected,
    ExpectedId,
    Standing,
)
from .service import check_reader
from .tables import ExpectedFileRow

_DAY = timedelta(days=1)
_MOST_NAMED = 31


def expect(
    core: Core,
    *,
    actor: Actor,
    format: str,
    hour: int,
    first: date,
    merchant: MerchantId | None = None,
    shop: ShopId | None = None,
) -> Expected:
    """Expect a file of each day from `first` on, by `hour` (0 to 23) of the day after.

    `format`: a format or its channel; any format of the channel will do. Raises NotAllowed,
    ChannelFormatUnknown, ScopeInvalid, NoSuchThing, AlreadyExpected.
    """
    checks.check_importer(actor)
    assert actor.id is not None, "the command line expects nothing"
    found, scope = formats.get(format), str(shop or merchant or "")
    checks.check_scope(found, merchant=merchant, shop=shop)
    with core.transaction() as session:
        checks.check_known(session, merchant=merchant, shop=shop)
        id, now = ExpectedId(new_id()), core.now(session)
        told = {
            "id": id,
            "channel": found.channel,
            "merchant_id": merchant,
            "shop_id": shop,
            "scope": scope,
            "hour": hour,
            "first_day": first,
            "made_by": actor.id,
            "occurred_at": now,
        }
        if not expected_store.add(session, told):
            raise AlreadyExpected
        audit.record(
            session,
            actor=actor,
            action="expected_file.set",
            object_type="expected_file",
            object_id=str(id),
            now=now,
            detail={"channel": found.channel, "scope": scope, "hour": hour, "first": str(first)},
        )
        return _one(session, id)


def expect_no_more(
    core: Core, *, actor: Actor, expected: ExpectedId, last: date | None = None
) -> Expected:
    """Expect none after `last`, which is yesterday unless said; the file may be expected anew.

    Raises NotAllowed, NoSuchThing, ExpectationInvalid.
    """
    checks.check_importer(actor)
    with core.transaction() as session:
        now = core.now(session)
        found = _one(session, expected, lock=True)
        yesterday = day_of(now) - _DAY
        ends = last or max(yesterday, found.first)
        if found.last is not None or ends < found.first or ends > max(yesterday, found.first):
            raise ExpectationInvalid
        expected_store.end(session, expected, ends)
        left = [day for day in found.missing if day <= ends]
        expected_store.note_missing(session, expected, left, now)
        audit.record(
            session,
            actor=actor,
            action="expected_file.ended",
            object_type="expected_file",
            object_id=str(expected),
            now=now,
            detail={"last": str(ends)},
        )
        return _one(session, expected)


def standings(core: Core, *, actor: Actor) -> list[Standing]:
    """How each file stands that is expected, or was within the last 92 days.

    Raises NotAllowed.
    """
    check_reader(actor, whole_city=True)
    with core.transaction() as session:
        return _standings(session, expected_store.expected(session, _recent(core.now(session))))


def standing(core: Core, *, actor: Actor, expected: ExpectedId) -> Standing:
    """How one expected file stands. Raises NotAllowed, NoSuchThing."""
    check_reader(actor, whole_city=True)
    with core.transaction() as session:
        return _standings(session, [_one(session, expected)])[0]


def watch(core: Core) -> int:
    """Look which days are missing, raise an alarm for each expected file that lacks some, and let
    go of the others; how many days are missing.
    """
    with core.transaction() as session:
        now = core.now(session)
        broken = {
            (Kind.FILE, _subject(one)): {
                "channel": one.channel,
                "whose": one.whose,
                "days": len(missing),
                "first": str(missing[0]),
                "named": [str(day) for day in missing[:_MOST_NAMED]],
            }
            for one in expected_store.expected(session, _recent(now))
            if (missing := _look(session, one, now))
        }
        alarms.settle(session, kinds={Kind.FILE}, broken=broken, now=now)
        return sum(int(str(facts["days"])) for facts in broken.values())


def _recent(now: datetime) -> ColumnElement[bool]:
    row = ExpectedFileRow
    return row.last_day.is_(None) | (row.last_day >= day_of(now) - LOOK_BACK)


def _look(session: Session, one: Expected, now: datetime) -> list[date]:
    """The days that are missing, kept for the pages: they look no further than at the files."""
    missing = expected_store.uncovered(session, {one.id: one.days(now)})[one.id]
    if missing:
        format = formats.get(one.channel)
        ours = expected_store.days_of_ours(
            session, format=format, of=one, first=missing[0], last=missing[-1]
        )
        missing = [day for day in missing if day in ours]
    expected_store.note_missing(session, one.id, missing, now)
    return missing


def _standings(session: Session, found: Sequence[Expected]) -> list[Standing]:
    newest = expected_store.newest(session, [one.id for one in found])
    missing = expected_store.uncovered(session, {one.id: one.missing for one in found})
    return [Standing(one, newest.get(one.id), missing[one.id]) for one in found]


def _subject(one: Expected) -> str:
    """What an alarm is about: one expectation, so that a new one of the same file is another."""
    return f"{one.channel}:{one.id}"


def _one(session: Session, id: UUID, *, lock: bool = False) -> Expected:
    found = expected_store.expected(session, ExpectedFileRow.id == id, lock=lock)
    if not found:
        raise NoSuchThing
    return found[0]
