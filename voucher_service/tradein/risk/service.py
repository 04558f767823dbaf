"""Sales and applications are looked at by the machine, and what it found is told to reviewers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ResidentId

from ..sales.arrivals import forget_links
from ..service import reading as qualifications
from . import reading, store
from .assessing import assess
from .facts import Facts, Subject
from .findings import Finding, Weight
from .ties import Near, Tie

# So many are judged in one transaction, with at most some thousand neighbours in memory.
BATCH = 100
_PAGE = 1_000
# A sale becomes visible to others this long after its instant, at the latest: a transaction is
# ended much earlier. Whatever came in since is read again, and known already.
_LATE = timedelta(minutes=10)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Look:
    """What the machine says of one subject. `at` None: it has not looked yet."""

    at: datetime | None
    weight: Weight
    findings: tuple[Finding, ...]


def weights(session: Session, *, kind: Subject, ids: Collection[UUID]) -> dict[UUID, Weight]:
    """How much was found in each, 0 to 100; who was not looked at yet is left out."""
    return store.weights(session, kind, ids)


def findings(session: Session, *, kind: Subject, id: UUID) -> Look:
    """What was found in one, the heaviest first. `words.sentence` tells each."""
    at = store.assessed_at(session, kind, id)
    weight = store.weights(session, kind, [id]).get(id, Weight(0))
    return Look(at, weight, tuple(store.findings(session, kind, [id])[id]))


def look_again(session: Session, *, kind: Subject, id: UUID) -> None:
    """Have one looked at anew, since a paper or a part of it changed."""
    store.mark_due(session, kind, [id])


def forget_person(session: Session, *, resident: ResidentId) -> None:
    """Let nobody be a neighbour of a resident's by card, phone, device or address any more."""
    forget_links(session, resident=resident)
    qualifications.forget_devices(session, resident=resident)
    for kind in Subject:
        store.forget_links(session, kind, reading.of_resident(session, kind, resident))


def assess_due(core: Core) -> int:
    """Judge one batch of what is new; how many subjects. Call until it answers 0.

    It can be killed anywhere: a batch is one transaction, and whatever is judged again comes to the
    same. Two at once do each other's work once.
    """
    with core.transaction() as session:
        due = store.due(session, most=BATCH)
    if not due:
        for kind in Subject:
            _find_new(core, kind)
        with core.transaction() as session:
            due = store.due(session, most=BATCH)
    _read_pictures(core, due)
    with core.transaction() as session:
        if not due or not store.alone(session):
            return 0
        _judge(session, due, core.now(session))
    return len(due)


def _find_new(core: Core, kind: Subject) -> None:
    """Note what came in since the last time, a page at a time."""
    with core.transaction() as session:
        began, reached = core.now(session), store.watermark(session, kind)
    since, after = reached and reached - _LATE, None
    while True:
        with core.transaction() as session:
            page = reading.arrivals(session, kind, since=since, after=after, most=_PAGE)
            known = store.known(session, kind, [id for _, id in page])
            store.mark_due(
                session, kind, [id for at, id in page if _new(at, known.get(id, _NEVER))]
            )
            if len(page) < _PAGE:
                store.raise_watermark(session, kind, began)
                return
            after = page[-1]


def _new(at: datetime, known: datetime | None) -> bool:
    """Whether a subject has to be judged: who waits for it already does not wait twice."""
    return known is not None and at > known


def _read_pictures(core: Core, due: Sequence[tuple[Subject, UUID]]) -> None:
    """Read new pictures before anything is locked: it takes some milliseconds each."""
    for kind, ids in _by_kind(due).items():
        with core.transaction() as session:
            unread = reading.unread_pictures(session, kind, ids)
        for file in unread:
            with core.transaction() as session:
                reading.read_picture(session, file)


def _judge(session: Session, due: Sequence[tuple[Subject, UUID]], now: datetime) -> None:
    store.lock(session, due)
    index = _Index(session)
    batch = list(index.facts(due).values())
    gone = {id for _, id in due} - {one.id for one in batch}
    store.forget(session, [(kind, id) for kind, id in due if id in gone])
    assessed = assess(batch, index)
    store.save(session, assessed[: len(batch)], now)
    store.save_again(session, assessed[len(batch) :], now)


class _Index:
    """The index of neighbours that stands in PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def facts(self, subjects: Collection[tuple[Subject, UUID]]) -> dict[UUID, Facts]:
        """The facts of those that stand."""
        return {
            id: facts
            for kind, ids in _by_kind(subjects).items()
            for id, facts in reading.facts(self._session, kind, ids).items()
        }

    def put(self, subjects: Sequence[Facts]) -> None:
        """Keep subjects under their keys."""
        store.put(self._session, subjects)

    def near(self, subjects: Sequence[Facts]) -> Mapping[UUID, Near]:
        """The neighbours of each."""
        met = store.near(self._session, subjects)
        known = self.facts({(one.kind, one.id) for one in met})
        by: dict[UUID, dict[Tie, list[Facts]]] = defaultdict(lambda: defaultdict(list))
        for one in met:
            if one.id in known:
                by[one.asker][one.tie].append(known[one.id])
        return {
            one.id: Near({tie: tuple(others) for tie, others in by[one.id].items()})
            for one in subjects
        }


def _by_kind(subjects: Collection[tuple[Subject, UUID]]) -> dict[Subject, list[UUID]]:
    found: dict[Subject, list[UUID]] = defaultdict(list)
    for kind, id in subjects:
        found[kind].append(id)
    return found
