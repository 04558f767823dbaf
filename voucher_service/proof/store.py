"""Reads and writes of the log; decides nothing."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from .tables import CheckpointRow, CosignatureRow, LeafRow, LookedRow, NodeRow, SaltRow, StateRow
from .tree import KEPT_LEVELS, Node, Subtree, complete_root

_SALT_BYTES = 16
_COPY = "COPY log_leaf (index, kind, number, line, hash) FROM STDIN"
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('proof.seal', 0))")
_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
# Arrays: a statement of thousands of parameters is built and planned longer than it runs.
_NEW_SALTS = text(
    "INSERT INTO log_salt (about, salt)"
    " SELECT * FROM unnest(CAST(:about AS text[]), CAST(:salts AS bytea[]))"
)
_NO_SALTS = text(
    "INSERT INTO log_salt (about) SELECT unnest(CAST(:about AS text[])) ON CONFLICT DO NOTHING"
)
_SALTS = text("SELECT about, salt FROM log_salt WHERE about = ANY(CAST(:about AS text[]))")
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf as it stands."""

    index: int
    kind: str
    number: int
    line: str
    hash: bytes


def alone(session: Session) -> bool:
    """Whether nobody else seals until the transaction ends."""
    return bool(session.execute(_LOCK).scalar_one())


def horizon(session: Session) -> int:
    """Every transaction with a lower number has ended."""
    return int(session.execute(_HORIZON).scalar_one())


def state(session: Session) -> StateRow:
    """How far the log is."""
    return session.execute(select(StateRow).execution_options(populate_existing=True)).scalar_one()


def looked(session: Session) -> LookedRow:
    """How far the watch has compared the log, for the one who looks."""
    return session.execute(select(LookedRow).with_for_update()).scalar_one()


def add(session: Session, leaves: Iterable[tuple[int, str, int, str, bytes]]) -> None:
    """Append leaves: index, kind, number, line, hash."""
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(_COPY) as stream:
        for one in leaves:
            stream.write_row(one)


def keep(session: Session, nodes: Sequence[Node]) -> None:
    """Write nodes that are worth keeping."""
    if nodes:
        rows = [{"level": one.level, "index": one.index, "hash": one.hash} for one in nodes]
        session.execute(insert(NodeRow), rows)


def salts(session: Session, about: Collection[str]) -> dict[str, bytes]:
    """A salt for each, made where there was none. For the one who seals."""
    found = known_salts(session, about)
    new = {one: secrets.token_bytes(_SALT_BYTES) for one in sorted(about) if one not in found}
    if new:
        session.execute(_NEW_SALTS, {"about": list(new), "salts": list(new.values())})
    # Somebody who was forgotten and acts again is a stranger, each time.
    return {one: new.get(one) or found[one] or secrets.token_bytes(_SALT_BYTES) for one in about}


def known_salts(session: Session, about: Collection[str]) -> dict[str, bytes | None]:
    """The salts that there are of these; None for who was forgotten."""
    found = session.execute(_SALTS, {"about": list(about)})
    return {name: salt and bytes(salt) for name, salt in found}


def forget(session: Session, about: Collection[str]) -> int:
    """Take the salts away for good, and let none be made any more; how many there were."""
    statement = update(SaltRow).where(SaltRow.about.in_(about), SaltRow.salt.is_not(None))
    changed: Any = session.execute(statement.values(salt=None))
    session.execute(_NO_SALTS, {"about": list(about)})
    return int(changed.rowcount)


def subtrees(session: Session) -> Subtree:
    """The complete subtrees of the log, from what is kept of them."""

    def subtree(level: int, index: int) -> bytes:
        kept = level - level % KEPT_LEVELS
        first, last = index << (level - kept), (index + 1) << (level - kept)
        if kept:
            statement = select(NodeRow.hash).where(
                NodeRow.level == kept, NodeRow.index >= first, NodeRow.index < last
            )
            found = session.scalars(statement.order_by(NodeRow.index)).all()
        else:
            leaves = select(LeafRow.hash).where(LeafRow.index >= first, LeafRow.index < last)
            found = session.scalars(leaves.order_by(LeafRow.index)).all()
        return complete_root([bytes(one) for one in found])

    return subtree


def leaf(session: Session, kind: str, number: int) -> tuple[int, str] | None:
    """The index and the line of what was sealed."""
    found = session.execute(
        select(LeafRow.index, LeafRow.line).where(LeafRow.kind == kind, LeafRow.number == number)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def leaves(session: Session, first: int, last: int) -> list[Leaf]:
    """The leaves [first, last), in order."""
    statement = select(LeafRow.index, LeafRow.kind, LeafRow.number, LeafRow.line, LeafRow.hash)
    found = statement.where(LeafRow.index >= first, LeafRow.index < last).order_by(LeafRow.index)
    return [Leaf(*row[:4], bytes(row.hash)) for row in session.execute(found)]


def lines(session: Session, size: int) -> Iterator[tuple[str, bytes]]:
    """The lines of the first leaves and their hashes, in order; read bit by bit."""
    statement = (
        select(LeafRow.line, LeafRow.hash)
        .where(LeafRow.index < size)
        .order_by(LeafRow.index)
        .execution_options(yield_per=_CHUNK)
    )
    for line, hash in session.execute(statement):
        yield line, bytes(hash)


def checkpoints(
    session: Session, *, below: int | None = None, limit: int | None = None
) -> list[CheckpointRow]:
    """Published heads, the newest first; of fewer leaves than `below`, where that is given."""
    statement = select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(limit)
    if below is not None:
        statement = statement.where(CheckpointRow.size < below)
    return list(session.scalars(statement))


def checkpoint(session: Session, size: int) -> CheckpointRow | None:
    """The published head of a size."""
    return session.get(CheckpointRow, size)


def cosignatures(session: Session, sizes: Collection[int]) -> dict[int, str]:
    """The lines that witnesses added to the heads of these sizes."""
    found: dict[int, str] = {}
    statement = select(CosignatureRow.size, CosignatureRow.line).where(
        CosignatureRow.size.in_(sizes)
    )
    for size, line in session.execute(statement.order_by(CosignatureRow.witness)):
        found[size] = found.get(size, "") + line
    return found


def witnessed(session: Session) -> int:
    """The size of the newest head that a witness signed; 0 before the first."""
    statement = select(func.coalesce(func.max(CosignatureRow.size), 0))
    return session.execute(statement).scalar_one()


def witnessed_at(session: Session) -> datetime | None:
    """When a witness last signed a head."""
    return session.execute(select(func.max(CosignatureRow.occurred_at))).scalar_one()


def unwitnessed(session: Session, size: int) -> timedelta:
    """For how long there has been a head of more leaves than that; no time where there is none."""
    age = func.clock_timestamp() - func.min(CheckpointRow.recorded_at)
    statement = select(func.coalesce(age, timedelta())).where(CheckpointRow.size > size)
    found: timedelta = session.execute(statement).scalar_one()
    return found


def count(session: Session) -> int:
    """How many leaves are written, by counting."""
    return session.execute(select(func.count()).select_from(LeafRow)).scalar_one()
