"""PostgreSQL through SQLAlchemy: the engine, transactions, and the types our columns share."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Enum,
    MetaData,
    Text,
    Uuid,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.money import Money
from voucher_service.settings import Database

# Where PostgreSQL's warning comes from, whatever language it is in; noted by the thread it reaches.
_STANDBY_WAIT = "SyncRepWaitForLSN"
_commit = threading.local()

# A connection that rested so long is asked whether its server is still there.
_RESTED_SECONDS = 10.0


class Base(DeclarativeBase):
    """All tables of all features; constraints are named by rule, so migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[type, TypeEngine[Any]]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        UUID: Uuid(),
    }


class MoneyFen(TypeDecorator[Money]):
    """Money as a bigint of fen. Columns of this type end in `_fen`."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, _dialect: Dialect) -> int | None:
        return None if value is None else value.fen

    def process_result_value(self, value: int | None, _dialect: Dialect) -> Money | None:
        return None if value is None else Money(int(value))


def status_type(kind: type[StrEnum]) -> Enum:
    """A column type for a StrEnum: text with a check, so that a new value is a plain migration."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


class Recorded:
    """When PostgreSQL wrote the row. Never set by the application."""

    recorded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Sealable:
    """The transaction that wrote the row, so that sealing a log misses no late commit."""

    xid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("pg_current_xact_id()::text::bigint")
    )


def connect(settings: Database, url: str | None = None) -> Engine:
    """An engine for the application role, in UTC, with statement and lock timeouts."""
    engine = create_engine(
        url or settings.url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.lock_timeout_ms / 1000,
        pool_pre_ping=False,
        connect_args={
            "connect_timeout": 3,
            "options": (
                f"-c statement_timeout={settings.statement_timeout_ms} "
                f"-c lock_timeout={settings.lock_timeout_ms} "
                "-c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
            ),
        },
    )
    event.listen(engine, "handle_error", _drop_dead_connections)
    event.listen(engine, "connect", _hear_of_standbys)
    event.listen(engine, "checkin", _rest)
    event.listen(engine, "checkout", _wake)
    return engine


def _hear_of_standbys(connection: psycopg.Connection[Any], _record: Any) -> None:
    connection.add_notice_handler(_note_given_up)


def _note_given_up(notice: psycopg.errors.Diagnostic) -> None:
    if notice.source_function == _STANDBY_WAIT:
        _commit.alone = True


def _drop_dead_connections(context: Any) -> None:
    # A restarted server must not cost one failed request per pooled connection.
    if isinstance(context.original_exception, Exception) and context.is_disconnect:
        context.invalidate_pool_on_disconnect = True


def _rest(_connection: psycopg.Connection[Any] | None, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _wake(connection: psycopg.Connection[Any], record: Any, _proxy: Any) -> None:
    # Under load no claim pays for the question; in a quiet hour nobody is told to try again
    # because the server was restarted since.
    if time.monotonic() - record.info.get("rests_since", math.inf) < _RESTED_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.OperationalError as error:
        raise InvalidatePoolError from error


@contextmanager
def transaction(engine: Engine, info: Mapping[str, Any]) -> Iterator[Session]:
    """One transaction: committed at the end of the block, rolled back on any error.

    `info` is what its steps find in `Session.info`.

    Raises TryAgain when the server is away, busy or gave up waiting: the outcome of a lost commit
    is unknown, and the same request again finds out. So is that of a commit which no standby has:
    PostgreSQL calls it done, with a warning, when somebody cancels its waiting.
    """
    _commit.alone = False
    try:
        session = Session(engine, expire_on_commit=False, autoflush=False, info=dict(info))
        with session, session.begin():
            yield session
    except PoolTimeout as error:
        raise TryAgain(retry_after_seconds=1) from error
    except OperationalError as error:
        raise TryAgain(retry_after_seconds=1) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise TryAgain(retry_after_seconds=1) from error
        raise
    if _commit.alone:
        raise TryAgain(retry_after_seconds=1)


def array(values: Iterable[UUID | int | str | bytes | None]) -> str:
    """Values as the text of a PostgreSQL array, for `CAST(:name AS type[])`.

    The driver does the same for lists, and asks a regular expression about each element: half of
    what a batch of claims cost.
    """
    return "{" + ",".join([_ELEMENT[type(one)](one) for one in values]) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_ELEMENT: dict[type, Callable[[Any], str]] = {
    UUID: attrgetter("hex"),
    int: str,
    str: _quoted,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
    type(None): lambda _: "NULL",
}


def now(session: Session, clock: Clock) -> datetime:
    """The instant of this command: PostgreSQL's own clock, or the clock of a test or replay."""
    if clock.at is not None:
        return clock.at
    instant = session.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(instant, datetime)
    return instant
