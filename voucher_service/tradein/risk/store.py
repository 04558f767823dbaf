"""Reads and writes of risk; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra.database import array

from .assessing import Assessed
from .facts import Facts, Subject, kind_of
from .findings import Finding, Kind, Weight
from .likeness import BITS, FAR_BITS
from .tables import FindingRow, PictureRow, SubjectRow, TieRow, WatermarkRow
from .ties import LINKS, MOST_NEAR, Tie, kept, sought

_SUBJECT: Any = SubjectRow.__table__
_FINDING: Any = FindingRow.__table__
_TIE: Any = TieRow.__table__
_PICTURE: Any = PictureRow.__table__
_WATERMARK: Any = WatermarkRow.__table__
_NEAR = text("""
SELECT asked.subject_id AS asker, asked.tie, found.subject_kind, found.subject_id
FROM unnest(CAST(:askers AS uuid[]), CAST(:ties AS text[]), CAST(:keys AS text[]),
            CAST(:likenesses AS bigint[])) AS asked (subject_id, tie, key, likeness)
CROSS JOIN LATERAL (
    SELECT kept.subject_kind, kept.subject_id
    FROM risk_tie AS kept
    WHERE kept.tie = asked.tie AND kept.key = asked.key AND kept.subject_id <> asked.subject_id
        AND (asked.likeness IS NULL
             OR bit_count((kept.likeness # asked.likeness)::bit(64)) <= :far_bits)
    ORDER BY kept.occurred_at DESC
    LIMIT :most
) AS found
""")


@dataclass(frozen=True, slots=True)
class Met:
    """A neighbour by one tie."""

    asker: UUID
    tie: Tie
    kind: Subject
    id: UUID


def put(session: Session, subjects: Sequence[Facts]) -> None:
    """Keep subjects under their keys, in place of earlier ones."""
    ids = [(kind_of(one), one.id) for one in subjects]
    session.execute(delete(_TIE).where(tuple_(_TIE.c.subject_kind, _TIE.c.subject_id).in_(ids)))
    rows = [
        {
            "tie": key.tie,
            "key": key.key,
            "likeness": _signed(key.likeness),
            "subject_kind": kind_of(one),
            "subject_id": one.id,
            "occurred_at": one.at,
        }
        for one in subjects
        for key in kept(one)
    ]
    if rows:
        session.execute(insert(_TIE), rows)


def near(session: Session, subjects: Sequence[Facts]) -> list[Met]:
    """Whom these subjects meet under their keys; of each key the latest, each once."""
    asked = [(one.id, key) for one in subjects for key in sought(one)]
    rows = session.execute(
        _NEAR,
        {
            "askers": array(id for id, _ in asked),
            "ties": array(str(key.tie) for _, key in asked),
            "keys": array(key.key for _, key in asked),
            "likenesses": array(_signed(key.likeness) for _, key in asked),
            "far_bits": FAR_BITS,
            "most": MOST_NEAR,
        },
    )
    met = {Met(row.asker, Tie(row.tie), Subject(row.subject_kind), row.subject_id) for row in rows}
    return sorted(met, key=lambda one: (one.asker, one.tie, one.id))


def save(session: Session, assessed: Sequence[Assessed], now: datetime) -> None:
    """Keep what was found in subjects, in place of what was found before: they are done."""
    _upsert(
        session,
        [
            {
                "subject_kind": kind_of(one.facts),
                "subject_id": one.facts.id,
                "due": False,
                "weight": one.weight,
                "assessed_at": now,
                "occurred_at": one.facts.at,
            }
            for one in assessed
        ],
        "due",
        "weight",
        "assessed_at",
        "occurred_at",
    )
    _put_findings(session, assessed, now)


def save_again(session: Session, assessed: Sequence[Assessed], now: datetime) -> None:
    """The same of neighbours: whether something new of them waits stays as it is."""
    for one in assessed:
        session.execute(
            _SUBJECT.update()
            .where(
                _SUBJECT.c.subject_kind == kind_of(one.facts),
                _SUBJECT.c.subject_id == one.facts.id,
            )
            .values(weight=one.weight)
        )
    _put_findings(session, assessed, now)


def _put_findings(session: Session, assessed: Sequence[Assessed], now: datetime) -> None:
    ids = [(kind_of(one.facts), one.facts.id) for one in assessed]
    session.execute(
        delete(_FINDING).where(tuple_(_FINDING.c.subject_kind, _FINDING.c.subject_id).in_(ids))
    )
    findings = [
        {
            "subject_kind": kind_of(one.facts),
            "subject_id": one.facts.id,
            "kind": finding.kind,
            "weight": finding.weight,
            "detail": {
                "others": [str(other) for other in finding.others],
                "told": dict(finding.told),
            },
            "found_at": now,
        }
        for one in assessed
        for finding in one.findings
    ]
    if findings:
        session.execute(insert(_FINDING), findings)


def mark_due(session: Session, kind: Subject, ids: Iterable[UUID]) -> None:
    """Have subjects looked at, for the first time or again."""
    rows = [{"subject_kind": kind, "subject_id": id, "due": True, "weight": 0} for id in ids]
    if rows:
        _upsert(session, rows, "due")


def forget(session: Session, subjects: Collection[tuple[Subject, UUID]]) -> None:
    """Let subjects be that don't stand any more: they are nobody's neighbours. What was found in
    them stays.
    """
    of = tuple_(_SUBJECT.c.subject_kind, _SUBJECT.c.subject_id)
    session.execute(delete(_SUBJECT).where(of.in_(subjects), _SUBJECT.c.assessed_at.is_(None)))
    session.execute(_SUBJECT.update().where(of.in_(subjects)).values(due=False))
    session.execute(
        delete(_TIE).where(tuple_(_TIE.c.subject_kind, _TIE.c.subject_id).in_(subjects))
    )


def forget_links(session: Session, kind: Subject, ids: Collection[UUID]) -> None:
    """Delete the keys of these subjects that lead to a person."""
    personal = (_TIE.c.subject_kind == kind, _TIE.c.tie.in_(LINKS.values()))
    session.execute(delete(_TIE).where(*personal, _TIE.c.subject_id.in_(ids)))


def due(session: Session, *, most: int) -> list[tuple[Subject, UUID]]:
    """Subjects to look at."""
    rows = session.execute(
        select(SubjectRow.subject_kind, SubjectRow.subject_id)
        .where(SubjectRow.due)
        .order_by(SubjectRow.subject_kind, SubjectRow.subject_id)
        .limit(most)
    )
    return [(Subject(kind), id) for kind, id in rows]


def lock(session: Session, subjects: Collection[tuple[Subject, UUID]]) -> None:
    """Whoever says that something of one is new waits until the end, and is not overlooked."""
    of = tuple_(SubjectRow.subject_kind, SubjectRow.subject_id)
    rows = select(SubjectRow.subject_id).where(of.in_(subjects)).order_by(of).with_for_update()
    session.execute(rows).all()


def alone(session: Session) -> bool:
    """Whether no other process judges until the end of this transaction."""
    key = func.hashtextextended("tradein.risk", 0)
    return bool(session.execute(select(func.pg_try_advisory_xact_lock(key))).scalar_one())


def known(session: Session, kind: Subject, ids: Collection[UUID]) -> dict[UUID, datetime | None]:
    """Their own instants as they were judged, None of those that wait for it for the first time;
    those that nobody knows are left out.
    """
    rows = session.execute(
        select(SubjectRow.subject_id, SubjectRow.occurred_at).where(
            SubjectRow.subject_kind == kind, SubjectRow.subject_id.in_(ids)
        )
    )
    return {row.subject_id: row.occurred_at for row in rows}


def assessed_at(session: Session, kind: Subject, id: UUID) -> datetime | None:
    """When one was judged last; None if it never was."""
    return session.execute(
        select(SubjectRow.assessed_at).where(
            SubjectRow.subject_kind == kind, SubjectRow.subject_id == id
        )
    ).scalar_one_or_none()


def weights(session: Session, kind: Subject, ids: Collection[UUID]) -> dict[UUID, Weight]:
    """The weights of those that were looked at."""
    rows = session.execute(
        select(SubjectRow.subject_id, SubjectRow.weight).where(
            SubjectRow.subject_kind == kind,
            SubjectRow.subject_id.in_(ids),
            SubjectRow.assessed_at.is_not(None),
        )
    )
    return {id: Weight(weight) for id, weight in rows}


def findings(session: Session, kind: Subject, ids: Collection[UUID]) -> dict[UUID, list[Finding]]:
    """What was found in each, the heaviest first."""
    found: dict[UUID, list[Finding]] = {id: [] for id in ids}
    rows = session.scalars(
        select(FindingRow)
        .where(FindingRow.subject_kind == kind, FindingRow.subject_id.in_(ids))
        .order_by(FindingRow.weight.desc(), FindingRow.kind)
    )
    for row in rows:
        others = tuple(UUID(one) for one in row.detail["others"])
        finding = Finding(Kind(row.kind), Weight(row.weight), others, row.detail["told"])
        found[row.subject_id].append(finding)
    return found


def watermark(session: Session, kind: Subject) -> datetime | None:
    """Up to when everything of a kind was seen; None at the beginning."""
    return session.execute(
        select(WatermarkRow.occurred_at).where(WatermarkRow.subject_kind == kind)
    ).scalar_one_or_none()


def raise_watermark(session: Session, kind: Subject, at: datetime) -> None:
    """Everything up to this instant was seen; it never goes back."""
    statement = insert(_WATERMARK).values(subject_kind=kind, occurred_at=at)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["subject_kind"],
            set_={
                "occurred_at": func.greatest(
                    _WATERMARK.c.occurred_at, statement.excluded.occurred_at
                )
            },
        )
    )


def pictures(session: Session, files: Collection[UUID]) -> dict[UUID, bytes]:
    """The greys of those of these files that were read."""
    rows = session.execute(
        select(PictureRow.file_id, PictureRow.tiny).where(PictureRow.file_id.in_(files))
    )
    return {id: bytes(tiny) for id, tiny in rows}


def keep_picture(session: Session, file: UUID, tiny: bytes) -> None:
    """Keep the greys of a file, once."""
    values = {"file_id": file, "tiny": tiny}
    session.execute(insert(_PICTURE).values(values).on_conflict_do_nothing())


def _upsert(session: Session, rows: Sequence[Mapping[str, Any]], *changed: str) -> None:
    statement = insert(_SUBJECT)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["subject_kind", "subject_id"],
            set_={name: statement.excluded[name] for name in changed},
        ),
        sorted(rows, key=lambda row: (row["subject_kind"], row["subject_id"])),
    )


def _signed(likeness: int | None) -> int | None:
    """64 bits as PostgreSQL's bigint holds them."""
    if likeness is None or likeness < 1 << BITS - 1:
        return likeness
    return likeness - (1 << BITS)
