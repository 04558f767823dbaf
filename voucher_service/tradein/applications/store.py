"""Reads and writes of applications; decides nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.campaigns.model import Offer
from voucher_service.infra import areas
from voucher_service.infra.secrets import Keyring

from .. import shelf
from ..policy import Scheme
from .model import GRANTED, HOLDING, ApplicationStatus, EvidenceKind
from .pools import ApplicationPool
from .tables import ApplicationPoolRow, ApplicationRow, EvidenceRow, PlaceRow

Key = tuple[datetime, UUID]
Papers = dict[EvidenceKind, UUID]


def application(session: Session, id: UUID, *, lock: bool = False) -> ApplicationRow | None:
    """One application; with `lock` as it stands once the lock is held."""
    statement = select(ApplicationRow).where(ApplicationRow.id == id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalars(statement).one_or_none()


def begin(session: Session, row: ApplicationRow) -> UUID:
    """Insert a draft; the id of the draft of that resident and scheme, which may be an older one.

    Waits for another that begins the same one at this moment.
    """
    queue_up(session, row.resident_id)
    mine = select(ApplicationRow.id).where(
        ApplicationRow.resident_id == row.resident_id,
        ApplicationRow.scheme == row.scheme,
        ApplicationRow.status == ApplicationStatus.DRAFT,
    )
    found = session.execute(mine).scalar_one_or_none()
    if found is not None:
        return found
    session.add(row)
    session.flush()
    return row.id


def queue_up(session: Session, resident: UUID) -> None:
    """Let one application of a resident be begun or handed in at a time, until the end."""
    key = func.hashtextextended(f"tradein.applications:{resident}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def of_resident(
    session: Session, resident: UUID, *, after: Key | None, most: int
) -> list[ApplicationRow]:
    """A resident's applications, newest first."""
    columns = (ApplicationRow.occurred_at, ApplicationRow.id)
    statement = select(ApplicationRow).where(ApplicationRow.resident_id == resident)
    if after is not None:
        statement = statement.where(tuple_(*columns) < after)
    newest = (one.desc() for one in columns)
    return list(session.scalars(statement.order_by(*newest).limit(most)))


def held(
    session: Session, resident: UUID, schemes: Collection[Scheme], year: int, *, but: UUID
) -> int:
    """How many other applications of a resident hold a unit of these schemes in a calendar year."""
    return session.execute(
        select(func.count()).where(
            ApplicationRow.resident_id == resident,
            ApplicationRow.scheme.in_(schemes),
            ApplicationRow.status.in_(HOLDING),
            ApplicationRow.bought_on.between(date(year, 1, 1), date(year, 12, 31)),
            ApplicationRow.id != but,
        )
    ).scalar_one()


def subsidised(session: Session, vin: str, *, but: UUID) -> bool:
    """Whether a car was the new one of another application that holds it."""
    statement = exists().where(
        ApplicationRow.new_vin == vin, ApplicationRow.status.in_(HOLDING), ApplicationRow.id != but
    )
    return bool(session.execute(select(statement)).scalar_one())


def waiting_page(
    session: Session, *, area: str, status: ApplicationStatus, after: Key | None, most: int
) -> list[ApplicationRow]:
    """Applications of a division that were handed in and stand so, longest waiting first."""
    columns = (ApplicationRow.submitted_at, ApplicationRow.id)
    statement = select(ApplicationRow).where(_stand(area, status))
    if after is not None:
        statement = statement.where(tuple_(*columns) > after)
    return list(session.scalars(statement.order_by(*columns).limit(most)))


def waiting(session: Session, *, area: str) -> int:
    """How many applications of a division wait for a reviewer: first checks, and other cards."""
    stand = _stand(area, ApplicationStatus.SUBMITTED, ApplicationStatus.CARD_GIVEN)
    return session.execute(select(func.count()).where(stand)).scalar_one()


def late(session: Session, now: datetime, *, most: int) -> list[ApplicationRow]:
    """Applications whose correction is over due, locked; those that others hold are left out."""
    return _locked(
        session,
        ApplicationRow.status == ApplicationStatus.SENT_BACK,
        ApplicationRow.correct_until <= now,
        most=most,
    )


def left_alone(session: Session, since: datetime, *, most: int) -> list[ApplicationRow]:
    """Drafts begun before an instant, locked."""
    return _locked(
        session,
        ApplicationRow.status == ApplicationStatus.DRAFT,
        ApplicationRow.occurred_at < since,
        most=most,
    )


def ending(session: Session, now: datetime, until: datetime, *, most: int) -> list[ApplicationRow]:
    """Applications whose correction ends by then, and that nobody was reminded of, locked."""
    return _locked(
        session,
        ApplicationRow.status == ApplicationStatus.SENT_BACK,
        ApplicationRow.correct_until > now,
        ApplicationRow.correct_until <= until,
        ApplicationRow.reminded_at.is_(None),
        most=most,
    )


def kept_too_long(
    session: Session, since: Mapping[tuple[ApplicationStatus, ...], datetime], *, most: int
) -> list[ApplicationRow]:
    """Applications that stand so since before an instant and were not forgotten, locked."""
    old = [
        ApplicationRow.status.in_(statuses) & (ApplicationRow.decided_at < instant)
        for statuses, instant in since.items()
    ]
    return _locked(session, ApplicationRow.forgotten_at.is_(None), or_(*old), most=most)


def left_by(
    session: Session, resident: UUID, statuses: Collection[ApplicationStatus]
) -> list[ApplicationRow]:
    """A resident's applications that stand so and were not forgotten, locked."""
    mine = (ApplicationRow.resident_id == resident, ApplicationRow.status.in_(statuses))
    rows = select(ApplicationRow).where(*mine, ApplicationRow.forgotten_at.is_(None))
    return list(session.scalars(rows.order_by(ApplicationRow.id).with_for_update()))


def granted(
    session: Session, *, since: datetime | None, after: Key | None, most: int
) -> list[ApplicationRow]:
    """Approved applications, paid or not, newest decision first; with `since` those decided from
    then on.
    """
    return list(session.scalars(_granted(select(ApplicationRow), since, after, most)))


def decisions(
    session: Session, *, since: datetime | None, after: Key | None, most: int
) -> Sequence[Any]:
    """The same, only what was decided of whom: for reading very many."""
    row = ApplicationRow
    columns = (row.id, row.resident_id, row.area, row.decided_at)
    decided = (row.policy_id, row.subsidy_fen, row.decision)
    return session.execute(_granted(select(*columns, *decided), since, after, most)).all()


def decided(session: Session, ids: Collection[UUID]) -> list[ApplicationRow]:
    """Those of these applications that are approved, paid or not."""
    statement = select(ApplicationRow).where(
        ApplicationRow.id.in_(ids), ApplicationRow.status.in_(GRANTED)
    )
    return list(session.scalars(statement))


def approved(
    session: Session, offers: Collection[UUID], *, after: UUID | None, most: int
) -> list[tuple[ApplicationRow, UUID]]:
    """Approved applications that are not paid, with the offer of their place; by id."""
    statement = (
        select(ApplicationRow, PlaceRow.offer_id)
        .join(PlaceRow, PlaceRow.id == ApplicationRow.id)
        .where(ApplicationRow.status == ApplicationStatus.APPROVED, PlaceRow.offer_id.in_(offers))
        .order_by(ApplicationRow.id)
        .limit(most)
    )
    if after is not None:
        statement = statement.where(ApplicationRow.id > after)
    return [(row, offer) for row, offer in session.execute(statement)]


def evidence(
    session: Session, applications: Sequence[UUID]
) -> dict[UUID, dict[EvidenceKind, UUID]]:
    """The files of applications by what they are."""
    found: dict[UUID, Papers] = {one: {} for one in applications}
    rows = session.scalars(select(EvidenceRow).where(EvidenceRow.application_id.in_(applications)))
    for row in rows:
        found[row.application_id][row.kind] = row.file_id
    return found


def put_evidence(
    session: Session, application: UUID, kind: EvidenceKind, file: UUID, now: datetime
) -> None:
    """Name a file of an application, in place of an earlier one."""
    session.execute(
        insert(EvidenceRow)
        .values(application_id=application, kind=kind, file_id=file, occurred_at=now)
        .on_conflict_do_update(
            index_elements=["application_id", "kind"],
            set_={"file_id": file, "occurred_at": now},
        )
    )


def pool_rows(session: Session, offers: Sequence[UUID]) -> list[ApplicationPoolRow]:
    """What pools of places are beyond their offers, by offer."""
    which = ApplicationPoolRow.offer_id.in_(offers)
    found = select(ApplicationPoolRow).where(which).order_by(ApplicationPoolRow.offer_id)
    return list(session.scalars(found))


def pools(session: Session, offers: Sequence[Offer]) -> list[ApplicationPool]:
    """The pools of places among these offers, in their order."""
    rows = {row.offer_id: row for row in pool_rows(session, [one.id for one in offers])}
    return [
        ApplicationPool(one, row.scheme, shelf.policy(row.policy_id))
        for one in offers
        if (row := rows.get(one.id)) is not None
    ]


def counts(session: Session, offer: UUID) -> dict[ApplicationStatus, int]:
    """How many applications of a pool stand how."""
    found = session.execute(
        select(ApplicationRow.status, func.count())
        .join(PlaceRow, PlaceRow.id == ApplicationRow.id)
        .where(PlaceRow.offer_id == offer)
        .group_by(ApplicationRow.status)
    )
    return {row.status: row[1] for row in found}


def place(session: Session, application: UUID) -> PlaceRow | None:
    """The place of an application, held or not."""
    return session.get(PlaceRow, application, populate_existing=True)


def encrypt_person(keyring: Keyring, id: UUID, told: Mapping[str, str]) -> bytes:
    """Personal data of an application as a cipher text that belongs to it alone."""
    return keyring.encrypt(json.dumps(told, ensure_ascii=False), bound_to=_bound(id))


def person(keyring: Keyring, row: ApplicationRow) -> dict[str, str]:
    """The personal data of an application in clear."""
    told: dict[str, str] = json.loads(keyring.decrypt(row.person_cipher, bound_to=_bound(row.id)))
    return told


def rotate(session: Session, keyring: Keyring, *, most: int) -> int:
    """Encrypt up to `most` applications under the newest key; how many were under another."""
    newest = keyring.encrypt("", bound_to="")[0]
    rows = list(
        session.scalars(
            select(ApplicationRow)
            .where(func.get_byte(ApplicationRow.person_cipher, 0) != newest)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
    )
    for row in rows:
        row.person_cipher = encrypt_person(keyring, row.id, person(keyring, row))
    session.flush()
    return len(rows)


def _granted(
    wanted: Select[Any], since: datetime | None, after: Key | None, most: int
) -> Select[Any]:
    columns = (ApplicationRow.decided_at, ApplicationRow.id)
    statement = wanted.where(ApplicationRow.status.in_(GRANTED))
    if since is not None:
        statement = statement.where(ApplicationRow.decided_at >= since)
    if after is not None:
        statement = statement.where(tuple_(*columns) < after)
    return statement.order_by(*(one.desc() for one in columns)).limit(most)


def _locked(session: Session, *where: ColumnElement[bool], most: int) -> list[ApplicationRow]:
    statement = select(ApplicationRow).where(*where).limit(most)
    found = session.scalars(
        statement.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    )
    return list(found)


def _stand(area: str, *statuses: ApplicationStatus) -> ColumnElement[bool]:
    return (
        ApplicationRow.status.in_(statuses)
        & ApplicationRow.submitted_at.is_not(None)
        & ApplicationRow.area.startswith(areas.stem(area), autoescape=True)
    )


def _bound(id: UUID) -> str:
    return f"application:{id}:person"
