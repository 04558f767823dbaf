"""Ask the estimators about an offer, keep what they answer, and ask them again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, new_id

from .. import bunching, counting, frames, store, weeks
from ..frames import Frame
from ..model import Answer, Design, Found, TooSmall, Verdict, Window
from ..outcomes import SAMPLE, Kind, OutcomeFile
from ..tables import EstimateRow, OutcomeFileRow

# Named with every estimate; another way to estimate is another method.
METHOD = "causal/1"


@dataclass(frozen=True, slots=True)
class Question:
    """A design, a window, and what the estimator is given."""

    file: OutcomeFile
    design: Design
    window: Window
    frame: Frame

    @property
    def seed(self) -> int:
        """What chance is drawn from: of the file and the question alone."""
        told = f"{self.file.sha256} {self.design} {self.window}".encode()
        return int.from_bytes(hashlib.sha256(told).digest()[:6], "big")


def compute(core: Core, *, offer: OfferId, finish: Callable[[Session], None] | None = None) -> int:
    """Estimate all that the offer's newest files allow; how many answers there are now.

    Run again on the same files and books, the answers are the same. Raises NoSuchThing.
    """
    with core.transaction() as session:
        store.patient(session)
        found = campaigns.offer(session, offer=offer)
        questions = [one for file in _newest(session, offer) for one in _of(session, found, file)]
    answers = [(one, frames.ask(one.design, one.frame, one.seed)) for one in questions]
    with core.transaction() as session:
        now = core.now(session)
        for question, answer in answers:
            row = _row(found, question, answer, now)
            session.add(row)
            audit.record(
                session,
                actor=SYSTEM,
                action="estimate.made",
                object_type="estimate",
                object_id=str(row.id),
                now=now,
                detail=_on_record(row),
            )
        if finish is not None:
            finish(session)
    return len(answers)


def again(core: Core, *, estimate: UUID) -> bool:
    """Whether the kept inputs give the kept answer again. Raises NoSuchThing."""
    with core.transaction() as session:
        row = session.scalars(
            select(EstimateRow)
            .where(EstimateRow.id == estimate)
            .options(undefer(EstimateRow.inputs))
        ).one_or_none()
        if row is None:
            raise NoSuchThing
        frame = frames.unpacked(row.inputs)
        kept = _told(row)
        same_inputs = frames.packed(frame)[1] == row.inputs_sha256
        answer = frames.ask(row.design, frame, row.seed)
    return same_inputs and _columns(answer) == kept


def _newest(session: Session, offer: OfferId) -> list[OutcomeFile]:
    """The newest file of each kind, an invented one only where there is no other."""
    found: list[OutcomeFile] = []
    for kind in Kind:
        asked = (OutcomeFileRow.offer_id == offer, OutcomeFileRow.kind == kind)
        real = store.files(session, *asked, OutcomeFileRow.provider != SAMPLE, limit=1)
        found += real or store.files(session, *asked, limit=1)
    return found


def _of(session: Session, offer: Offer, file: OutcomeFile) -> list[Question]:
    """What can be asked of a file."""
    opens, ends = weeks.valid(offer)
    after = (file.head.last + timedelta(days=1) - ends).days // 7
    windows = [Window.DURING, *([Window.WITH_AFTER] if after >= weeks.FEWEST_AFTER else [])]
    if file.head.kind is Kind.PANEL:
        return _people(session, file, windows, opens, ends)
    if file.head.kind is Kind.AREAS:
        return [_areas(session, offer, file, one, after) for one in windows]
    return _orders(session, offer, file)


def _areas(
    session: Session, offer: Offer, file: OutcomeFile, window: Window, after: int
) -> Question:
    """All vouchers of the programme that were redeemed in the window count, and no others: those of
    an earlier or a later campaign did nothing for these weeks.
    """
    opens, ends = weeks.valid(offer)
    more = timedelta(weeks=after if window is Window.WITH_AFTER else 0)
    since, until = (datetime.combine(day, time(), SHANGHAI) for day in (opens, ends + more))
    rows = counting.area_weeks(session, file.id, offer.programme_id, since=since, until=until)
    many = (ends + more - opens).days // 7
    return Question(
        file, Design.AREAS, window, frames.of_areas(rows, opens=opens, ends=ends, weeks=many)
    )


def _people(
    session: Session, file: OutcomeFile, windows: list[Window], opens: date, ends: date
) -> list[Question]:
    for design in (Design.LOTTERY, Design.CUTOFF):
        rows = counting.people(session, file, design, opens, ends)
        if rows:
            return [
                Question(
                    file,
                    design,
                    window,
                    frames.of_people(rows, after=window is Window.WITH_AFTER),
                )
                for window in windows
            ]
    return []


def _orders(session: Session, offer: Offer, file: OutcomeFile) -> list[Question]:
    threshold = offer.threshold.fen
    step = 100 * bunching.step_of(threshold // 100)
    opens, ends = weeks.valid(offer)
    begins, over = (datetime.combine(day, time(), SHANGHAI) for day in (opens, ends))
    classes = counting.order_classes(session, file.id, opens=opens, ends=ends, step=step)
    back = counting.redeemed_at(session, file, opens=begins, ends=over)
    frame = frames.of_orders(classes, back, step=step, threshold=threshold)
    return [Question(file, Design.BUNCHING, Window.DURING, frame)]


def _row(offer: Offer, question: Question, answer: Answer, now: datetime) -> EstimateRow:
    inputs, digest = frames.packed(question.frame)
    return EstimateRow(
        id=new_id(),
        programme_id=offer.programme_id,
        offer_id=offer.id,
        file_id=question.file.id,
        file_sha256=question.file.sha256,
        design=question.design,
        window=question.window,
        amounts=question.file.head.amounts,
        method=METHOD,
        seed=question.seed,
        inputs=inputs,
        inputs_sha256=digest,
        made_at=now,
        **_columns(answer),
    )


def _on_record(row: EstimateRow) -> dict[str, Any]:
    """What the trail keeps of an answer: who changes it later, or what it came from, is found."""
    return {
        "verdict": str(row.verdict),
        "point": row.point,
        "low": row.low,
        "high": row.high,
        "amounts": str(row.amounts),
        "file_sha256": row.file_sha256,
        "kept_sha256": hashlib.sha256(row.inputs).hexdigest(),
    }


_ANSWERED = (
    "verdict",
    "point",
    "low",
    "high",
    "offered",
    "redeemed",
    "treated",
    "control",
    "have",
    "needed",
    "unit",
    "checks",
)


def _columns(answer: Answer) -> dict[str, Any]:
    """An answer as the columns of a row, those it doesn't have empty."""
    told: dict[str, Any] = dict.fromkeys(_ANSWERED) | {"checks": []}
    if isinstance(answer, Found):
        told |= {
            "verdict": Verdict.ESTIMATED,
            "point": answer.effect.point,
            "low": answer.effect.low,
            "high": answer.effect.high,
            "offered": asdict(answer.offered) if answer.offered else None,
            "redeemed": answer.redeemed,
            "treated": answer.treated,
            "control": answer.control,
            "checks": [
                {"name": str(one.name), "figure": one.figure, "stands": one.stands}
                for one in answer.checks
            ],
        }
    elif isinstance(answer, TooSmall):
        told |= {
            "verdict": Verdict.TOO_SMALL,
            "have": answer.have,
            "needed": answer.needed,
            "unit": answer.unit,
        }
    else:
        told |= {"verdict": Verdict.NO_FIRST_STAGE, "redeemed": answer.redeemed}
    return told


def _told(row: EstimateRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _ANSWERED}
