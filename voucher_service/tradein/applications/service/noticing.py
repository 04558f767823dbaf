"""The public notice: who gets how much, masked, for some days after the approval."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.money import ZERO
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from .. import store
from ..model import NOTICE_DAYS, ApplicationId, Noticed
from ..tables import ApplicationRow


def notice(core: Core, *, cursor: str | None, limit: int) -> Page[Noticed]:
    """What is being noticed now, newest decision first: five days, that of the decision included.

    Raises CursorInvalid.
    """
    after = decode_moment(cursor)
    with core.transaction() as session:
        first = day_of(core.now(session)) - timedelta(days=NOTICE_DAYS - 1)
        rows = store.granted(session, since=start_of(first), after=after, most=limit + 1)
        shown = [_line(session, row) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(shown)
    last = rows[limit - 1]
    assert last.decided_at is not None  # it was approved
    return Page(shown, encode_cursor(last.decided_at.isoformat(), last.id))


def _line(session: Session, row: ApplicationRow) -> Noticed:
    assert row.decided_at is not None  # it was approved
    since = day_of(row.decided_at)
    holder = identity.load(session, resident=ResidentId(row.resident_id))
    return Noticed(
        id=ApplicationId(row.id),
        name=holder.display_name,
        scheme=row.scheme,
        subsidy=row.subsidy_fen or ZERO,
        area=row.area,
        since=since,
        until=since + timedelta(days=NOTICE_DAYS - 1),
    )
