"""Leaves, the kept nodes of their tree, how far the log is, its heads; and the salts of persons."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .entry import Kind


class LeafRow(Base):
    """An entry as it is exported, and its leaf hash. Append only."""

    __tablename__ = "log_leaf"
    __table_args__ = (
        UniqueConstraint("kind", "number"),
        CheckConstraint("index >= 0", name="index"),
    )

    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[Kind] = mapped_column(status_type(Kind))
    number: Mapped[int] = mapped_column(BigInteger)
    line: Mapped[str]
    hash: Mapped[bytes]


class NodeRow(Base):
    """The root of a complete subtree, of every eighth level."""

    __tablename__ = "log_node"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class StateRow(Base):
    """One row: how many leaves there are, their complete subtrees, and that every row written by a
    transaction below `xid` is among them.
    """

    __tablename__ = "log_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)
    peaks: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    xid: Mapped[int] = mapped_column(BigInteger)
    sealed_at: Mapped[datetime | None]


class LookedRow(Base):
    """One row: how far the watch has compared the log with the books.

    `size`, `peaks`: a tree up to there and the rows of transactions below `xid` once agreed;
    `old_size`, `old_peaks`: the same of the round that reads everything again. `suspected`:
    something was found at the last look.
    """

    __tablename__ = "log_looked"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)
    peaks: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    xid: Mapped[int] = mapped_column(BigInteger)
    old_size: Mapped[int] = mapped_column(BigInteger)
    old_peaks: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    suspected: Mapped[bool]
    looked_at: Mapped[datetime | None]


class CheckpointRow(Recorded, Base):
    """A signed head, as it was published."""

    __tablename__ = "log_checkpoint"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    note: Mapped[str]
    occurred_at: Mapped[datetime]


class CosignatureRow(Recorded, Base):
    """What a witness added to a head: a line of its note."""

    __tablename__ = "log_cosignature"

    size: Mapped[int] = mapped_column(ForeignKey("log_checkpoint.size"), primary_key=True)
    witness: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[str]
    occurred_at: Mapped[datetime]


class SaltRow(Recorded, Base):
    """What leads from a person, or from what was typed in an event, to its name in the log.

    Without its salt the row says that somebody was forgotten: the name leads nowhere any more, and
    the log still holds.
    """

    __tablename__ = "log_salt"

    about: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[bytes | None]
