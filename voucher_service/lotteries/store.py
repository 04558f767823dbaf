"""Reads and writes of lotteries; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, ResidentId

from .model import Commitment, Lottery, LotteryId, Terms
from .tables import CommitmentRow, EntryRow, LotteryRow


def lotteries(session: Session, *where: ColumnElement[bool]) -> list[Lottery]:
    """Lotteries that match, newest entries first, with every commitment."""
    rows = list(
        session.scalars(
            select(LotteryRow)
            .where(*where)
            .order_by(LotteryRow.opens_at.desc(), LotteryRow.id)
            .execution_options(populate_existing=True)
        )
    )
    offers = campaigns.terms(session, offers=[OfferId(row.offer_id) for row in rows])
    promises: dict[UUID, list[Commitment]] = {row.id: [] for row in rows}
    for one in session.scalars(
        select(CommitmentRow)
        .where(CommitmentRow.lottery_id.in_(promises))
        .order_by(CommitmentRow.attempt, CommitmentRow.party)
        .execution_options(populate_existing=True)
    ):
        promises[one.lottery_id].append(
            Commitment(
                one.attempt,
                one.party,
                one.staff_id,
                one.sha256,
                one.committed_at,
                one.secret,
                one.revealed_at,
            )
        )
    return [
        Lottery(
            id=LotteryId(row.id),
            offer=offers[OfferId(row.offer_id)],
            terms=Terms(row.seats, row.opens_at, row.closes_at, row.waiting, row.waiting_from),
            status=row.status,
            attempt=row.attempt,
            commitments=tuple(promises[row.id]),
            closed_at=row.closed_at,
            entries=row.entries,
            list_sha256=row.list_sha256,
            reveal_by=row.reveal_by,
            seed=row.seed,
            result_sha256=row.result_sha256,
            drawn_at=row.drawn_at,
        )
        for row in rows
    ]


def lottery(session: Session, id: LotteryId, *, lock: bool = False) -> Lottery:
    """One lottery; locked, it takes no entry meanwhile. Raises NoSuchThing."""
    if lock:
        session.execute(select(LotteryRow.id).where(LotteryRow.id == id).with_for_update())
    found = lotteries(session, LotteryRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def share(session: Session, id: LotteryId) -> None:
    """Let nobody close the list until this transaction ends."""
    session.execute(
        select(LotteryRow.id).where(LotteryRow.id == id).with_for_update(read=True, key_share=True)
    )


def save_terms(session: Session, id: LotteryId, terms: Terms) -> None:
    """Replace the terms of a draft."""
    session.execute(update(LotteryRow).where(LotteryRow.id == id).values(_columns(terms)))


def add(session: Session, id: LotteryId, offer: OfferId, terms: Terms, status: Any) -> None:
    """Write a new lottery."""
    session.add(LotteryRow(id=id, offer_id=offer, status=status, attempt=1, **_columns(terms)))
    session.flush()


def set_reveal_by(session: Session, id: LotteryId, at: datetime) -> None:
    """The last instant to reveal in the present attempt."""
    session.execute(update(LotteryRow).where(LotteryRow.id == id).values(reveal_by=at))


def add_commitment(session: Session, id: LotteryId, one: Commitment) -> bool:
    """Write a promise; False when the party, the person or the hash stands already."""
    done = session.execute(
        insert(CommitmentRow)
        .values(
            lottery_id=id,
            attempt=one.attempt,
            party=one.party,
            staff_id=one.staff_id,
            sha256=one.sha256,
            committed_at=one.committed_at,
        )
        .on_conflict_do_nothing()
        .returning(CommitmentRow.party)
    )
    return done.first() is not None


def save_secret(
    session: Session, id: LotteryId, promise: Commitment, secret: str, now: datetime
) -> None:
    """Write a revealed secret beside its promise."""
    session.execute(
        update(CommitmentRow)
        .where(
            CommitmentRow.lottery_id == id,
            CommitmentRow.attempt == promise.attempt,
            CommitmentRow.party == promise.party,
        )
        .values(secret=secret, revealed_at=now)
    )


def add_entry(session: Session, values: dict[str, Any]) -> None:
    """Write an entry unless it stands."""
    session.execute(insert(EntryRow).values(values).on_conflict_do_nothing())


def entry(session: Session, id: LotteryId, resident: ResidentId) -> EntryRow | None:
    """A resident's entry."""
    return session.scalars(
        select(EntryRow)
        .where(EntryRow.lottery_id == id, EntryRow.resident_id == resident)
        .execution_options(populate_existing=True)
    ).one_or_none()


def entries_of(
    session: Session, lotteries: Sequence[LotteryId], resident: ResidentId
) -> dict[LotteryId, EntryRow]:
    """A resident's entries in several lotteries."""
    rows = session.scalars(
        select(EntryRow)
        .where(EntryRow.lottery_id.in_(lotteries), EntryRow.resident_id == resident)
        .execution_options(populate_existing=True)
    )
    return {LotteryId(row.lottery_id): row for row in rows}


def winners(session: Session, id: LotteryId, seats: int) -> list[ResidentId]:
    """The residents who won."""
    found = session.scalars(
        select(EntryRow.resident_id).where(
            EntryRow.lottery_id == id, EntryRow.rank <= seats, EntryRow.resident_id.is_not(None)
        )
    )
    return [ResidentId(one) for one in found if one is not None]


def ranked_leaves(session: Session, id: LotteryId) -> list[tuple[bytes, int | None]]:
    """Every leaf with its rank, sorted by leaf."""
    rows = session.execute(
        select(EntryRow.leaf, EntryRow.rank)
        .where(EntryRow.lottery_id == id)
        .order_by(EntryRow.leaf)
    )
    return [(bytes(leaf), rank) for leaf, rank in rows]


def ranks(
    session: Session, id: LotteryId, residents: Sequence[ResidentId]
) -> dict[ResidentId, int | None]:
    """The ranks of those residents who entered."""
    rows = session.execute(
        select(EntryRow.resident_id, EntryRow.rank).where(
            EntryRow.lottery_id == id, EntryRow.resident_id.in_(residents)
        )
    )
    return {ResidentId(row.resident_id): row.rank for row in rows}


def leaves(session: Session, id: LotteryId) -> list[bytes]:
    """All leaves, sorted."""
    found = session.scalars(
        select(EntryRow.leaf).where(EntryRow.lottery_id == id).order_by(EntryRow.leaf)
    )
    return [bytes(one) for one in found]


def places(session: Session, id: LotteryId) -> list[bytes]:
    """The leaves that were drawn, by rank."""
    found = session.scalars(
        select(EntryRow.leaf)
        .where(EntryRow.lottery_id == id, EntryRow.rank.is_not(None))
        .order_by(EntryRow.rank)
    )
    return [bytes(one) for one in found]


def save_ranks(session: Session, id: LotteryId, places: Sequence[bytes]) -> None:
    """Write the ranks of the leaves drawn, in their order."""
    session.execute(
        text(
            "UPDATE lottery_entry SET rank = drawn.rank"
            " FROM unnest(CAST(:leaves AS bytea[])) WITH ORDINALITY AS drawn (leaf, rank)"
            " WHERE lottery_id = :id AND lottery_entry.leaf = drawn.leaf"
        ),
        {"id": id, "leaves": list(places)},
    )


def forget(session: Session, before: datetime, most: int) -> int:
    """Part entries of lotteries drawn before an instant from their residents; how many."""
    old = (
        select(EntryRow.lottery_id, EntryRow.leaf)
        .join(LotteryRow, LotteryRow.id == EntryRow.lottery_id)
        .where(LotteryRow.drawn_at < before, EntryRow.resident_id.is_not(None))
        .limit(most)
        .cte("old")
    )
    gone = (
        update(EntryRow)
        .where(EntryRow.lottery_id == old.c.lottery_id, EntryRow.leaf == old.c.leaf)
        .values(resident_id=None, address_prefix=None, device_id=None, agent_hash=None)
        .returning(EntryRow.leaf)
        .cte("gone")
    )
    return int(session.execute(select(func.count()).select_from(gone)).scalar_one())


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "seats": terms.seats,
        "waiting": terms.waiting,
        "opens_at": terms.opens_at,
        "closes_at": terms.closes_at,
        "waiting_from": terms.waiting_from,
    }
