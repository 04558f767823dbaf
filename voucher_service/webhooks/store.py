"""Reads and writes of endpoints and messages; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.audit.tail import Horizon
from voucher_service.kernel.ids import RedemptionId, ShopId

from .model import Endpoint, EndpointId, Message, MessageId
from .tables import EndpointRow, HorizonRow, MessageRow

_MESSAGE = cast(Table, MessageRow.__table__)
_HORIZON = cast(Table, HorizonRow.__table__)
_FORGET = 5_000
# In words, so that the partial index answers it.
_WAITING = text("webhook_message.delivered_at IS NULL AND webhook_message.given_up_at IS NULL")


def horizon(session: Session) -> Horizon | None:
    """How far the trail was read, locked; None while another process reads on."""
    wanted = select(_HORIZON).with_for_update(skip_locked=True)
    row = session.execute(wanted).one_or_none()
    if row is None:
        return None
    return Horizon(row.xid, row.event_id, row.next_xid, row.next_event_id)


def set_horizon(session: Session, to: Horizon) -> None:
    """Note how far the trail was read."""
    session.execute(
        update(_HORIZON).values(
            xid=to.xid,
            event_id=to.event_id,
            next_xid=to.next_xid,
            next_event_id=to.next_event_id,
        )
    )


def endpoints(session: Session, *, shops: Collection[UUID]) -> list[EndpointRow]:
    """The endpoints of these shops that were not removed, oldest first."""
    wanted = select(EndpointRow).where(
        EndpointRow.shop_id.in_(shops), EndpointRow.removed_at.is_(None)
    )
    return list(session.scalars(wanted.order_by(EndpointRow.occurred_at, EndpointRow.id)))


def lock_shop(session: Session, shop: UUID) -> None:
    """Let nobody else add an endpoint of the shop until this transaction ends."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('webhook_endpoint:' || :shop, 0))"),
        {"shop": str(shop)},
    )


def any_endpoint(session: Session) -> bool:
    """Whether anybody wants to be told."""
    wanted = select(EndpointRow.id).where(
        EndpointRow.removed_at.is_(None), EndpointRow.disabled_at.is_(None)
    )
    return session.execute(wanted.limit(1)).first() is not None


def endpoint(session: Session, id: UUID) -> EndpointRow | None:
    """An endpoint, locked; not one that was removed."""
    wanted = select(EndpointRow).where(EndpointRow.id == id, EndpointRow.removed_at.is_(None))
    return session.scalars(wanted.with_for_update()).one_or_none()


def add_messages(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert messages; one that is there stays as it is."""
    if rows:
        session.execute(insert(_MESSAGE).on_conflict_do_nothing(), list(rows))


def due(session: Session, now: datetime) -> list[EndpointId]:
    """Endpoints with a message that is due."""
    wanted = (
        select(EndpointRow.id)
        .join(MessageRow, MessageRow.endpoint_id == EndpointRow.id)
        .where(
            _WAITING,
            MessageRow.due_at <= now,
            EndpointRow.disabled_at.is_(None),
            EndpointRow.removed_at.is_(None),
        )
        .distinct()
    )
    return [EndpointId(id) for id in session.scalars(wanted)]


def first_due(session: Session, endpoint: UUID, now: datetime) -> MessageRow | None:
    """The oldest message of an endpoint that is due."""
    wanted = select(MessageRow).where(
        MessageRow.endpoint_id == endpoint, _WAITING, MessageRow.due_at <= now
    )
    return session.scalars(wanted.order_by(MessageRow.event_id).limit(1)).one_or_none()


def put_off(session: Session, endpoint: UUID, *, until: datetime) -> None:
    """No waiting message of an endpoint is due before that instant."""
    where = (MessageRow.endpoint_id == endpoint, _WAITING, MessageRow.due_at < until)
    session.execute(update(MessageRow).where(*where).values(due_at=until))


def give_up(session: Session, endpoint: UUID, *, wanted_before: datetime, now: datetime) -> None:
    """End the messages of an endpoint that waited for too long."""
    where = (MessageRow.endpoint_id == endpoint, _WAITING, MessageRow.wanted_at < wanted_before)
    session.execute(update(MessageRow).where(*where).values(given_up_at=now))


def message(session: Session, id: UUID) -> MessageRow | None:
    """A message, locked."""
    wanted = select(MessageRow).where(MessageRow.id == id)
    return session.scalars(wanted.with_for_update()).one_or_none()


def messages(
    session: Session, endpoint: UUID, *, after: tuple[datetime, UUID] | None, most: int
) -> list[Message]:
    """Messages of an endpoint, newest first."""
    where: list[ColumnElement[bool]] = [MessageRow.endpoint_id == endpoint]
    if after:
        where.append(tuple_(MessageRow.occurred_at, MessageRow.id) < after)
    wanted = select(MessageRow).where(*where).limit(most)
    rows = session.scalars(wanted.order_by(MessageRow.occurred_at.desc(), MessageRow.id.desc()))
    return [message_view(row) for row in rows]


def forget(session: Session, *, before: datetime) -> int:
    """Delete one batch of messages that ended before an instant; how many."""
    old = select(MessageRow.id).where(MessageRow.occurred_at < before).limit(_FORGET)
    gone: Any = session.execute(delete(MessageRow).where(MessageRow.id.in_(old)))
    return int(gone.rowcount)


def endpoint_view(row: EndpointRow) -> Endpoint:
    """A row as the rest of the house sees it."""
    return Endpoint(
        EndpointId(row.id),
        ShopId(row.shop_id),
        row.url,
        row.failing_since,
        row.disabled_at,
        row.occurred_at,
    )


def message_view(row: MessageRow) -> Message:
    """A row as the rest of the house sees it."""
    return Message(
        MessageId(row.id),
        RedemptionId(row.redemption_id),
        row.kind,
        row.body,
        row.attempts,
        row.due_at,
        row.last_error,
        row.delivered_at,
        row.given_up_at,
        row.occurred_at,
    )
