"""How long each step of an application may take. Pure; days are days in Asia/Shanghai."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from voucher_service.kernel.clock import day_of, end_of

from .model import ApplicationStatus
from .refusals import CorrectionsClosed


@dataclass(frozen=True, slots=True)
class Periods:
    """Days of the calendar; the day on which a period begins is not counted.

    The first check (`accept`) and the city's decision (`review`) count from the last handing in,
    the payment (`pay`) from the approval, a correction (`correct`) from the sending back.
    """

    accept: int
    review: int
    pay: int
    correct: int


def due_on(
    status: ApplicationStatus,
    *,
    submitted_at: datetime | None,
    decided_at: datetime | None,
    periods: Periods,
) -> date | None:
    """The last day for the office's next step; None while it is the applicant's turn, or over."""
    since, days = {
        ApplicationStatus.SUBMITTED: (submitted_at, periods.accept),
        ApplicationStatus.PRECHECKED: (submitted_at, periods.review),
        ApplicationStatus.APPROVED: (decided_at, periods.pay),
    }.get(status, (None, 0))
    return since and day_of(since) + timedelta(days=days)


def correct_until(now: datetime, last: date | None, periods: Periods) -> datetime:
    """When a correction asked for now has to be in; `last` is the policy's last day for any.

    Raises CorrectionsClosed when that is over.
    """
    day = day_of(now) + timedelta(days=periods.correct)
    if last is None:
        return end_of(day)
    if last < day_of(now):
        raise CorrectionsClosed
    return end_of(min(day, last))
