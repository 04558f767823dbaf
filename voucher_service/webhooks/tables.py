"""Where merchants' systems want to be told, what they are told, and how far the trail was read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded

_WAITING = "delivered_at IS NULL AND given_up_at IS NULL"


class EndpointRow(Recorded, Base):
    """An address of a shop's own system. Without messages while it is off or removed."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        Index("ix_webhook_endpoint_shop", "shop_id", postgresql_where=text("removed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    url: Mapped[str]
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey("cashier.id"))
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]


class MessageRow(Recorded, Base):
    """One event for one endpoint. `body` is what is sent, byte for byte, each time.

    `wanted_at`: since when it is to be sent; somebody who asks for it again sets it anew.
    """

    __tablename__ = "webhook_message"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id", "redemption_id"),
        CheckConstraint("num_nonnulls(delivered_at, given_up_at) < 2", "end"),
        Index("ix_webhook_message_due", "endpoint_id", "due_at", postgresql_where=text(_WAITING)),
        Index("ix_webhook_message_log", "endpoint_id", "occurred_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoint.id"))
    event_id: Mapped[int] = mapped_column(BigInteger)
    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemption.id"))
    kind: Mapped[str]
    body: Mapped[str]
    attempts: Mapped[int]
    wanted_at: Mapped[datetime]
    due_at: Mapped[datetime]
    last_error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]


class HorizonRow(Base):
    """How far the audit trail was read: one row.

    Every event of a transaction below `xid` was read. None that is still to be read has a number
    up to `event_id`. When no transaction below `next_xid` is open any more, the same holds for
    `next_event_id`.
    """

    __tablename__ = "webhook_horizon"
    __table_args__ = (CheckConstraint("one", "one"),)

    one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    xid: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[int] = mapped_column(BigInteger)
    next_xid: Mapped[int] = mapped_column(BigInteger)
    next_event_id: Mapped[int] = mapped_column(BigInteger)
