"""Reads and writes of pledges; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ProgrammeId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.redemption.model import Payer

from .model import PledgeId, Status
from .tables import PledgeRow


def row(session: Session, id: PledgeId) -> PledgeRow:
    """One pledge, locked. Raises NoSuchThing."""
    statement = select(PledgeRow).where(PledgeRow.id == id).with_for_update()
    found = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NoSuchThing
    return found


def pledges(
    session: Session, programme: ProgrammeId, *, after: UUID | None, most: int
) -> Sequence[PledgeRow]:
    """The pledges of a programme, newest first."""
    where: list[ColumnElement[bool]] = [PledgeRow.programme_id == programme]
    if after is not None:
        where.append(PledgeRow.id < after)
    return session.scalars(
        select(PledgeRow).where(*where).order_by(PledgeRow.id.desc()).limit(most)
    ).all()


def standing(session: Session, programme: ProgrammeId) -> dict[Payer, Money]:
    """What each kind of payer pledged: of each name the newest pledge that was entered."""
    named = PledgeRow.payer, PledgeRow.name
    rows = session.execute(
        select(PledgeRow.payer, PledgeRow.amount_fen)
        .where(PledgeRow.programme_id == programme, PledgeRow.status == Status.ENTERED)
        .ext(distinct_on(*named))
        .order_by(*named, PledgeRow.pledged_on.desc(), PledgeRow.id.desc())
    )
    found: dict[Payer, Money] = {}
    for payer, amount in rows:
        found[payer] = found.get(payer, ZERO) + amount
    return found
