"""How far an application is, step by step with dates, to the payment. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from voucher_service.i18n import formats, gettext, mark
from voucher_service.kernel.clock import day_of

from .model import GRANTED, Application, ApplicationStatus


class At(StrEnum):
    """Whether a step is over, goes on, comes later, or went wrong."""

    DONE = "done"
    NOW = "now"
    LATER = "later"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Step:
    """A step in words."""

    state: At
    title: str
    note: str = ""


_HANDED_IN = mark("提交")
_CHECKED = mark("县区初审")
_APPROVED = mark("市里批准")
_NOTICED = mark("公示")
_PAID = mark("付到本人的卡")
_DUE = mark("{day}前办好")
_LATE = mark("该在{day}前办好，已经晚了，可以打 12345 催办")
_UNTIL = mark("到{day}")
_CORRECT = mark("等您补正，最后一天{day}")
_CARD = mark("等您改收款卡")
_CARD_LOOKED_AT = mark("等县区核对新收款卡")
_PAID_TO = mark("{day}付到尾号 {last4} 的卡")
_S = ApplicationStatus


def steps(one: Application, locale: str, today: date) -> list[Step]:
    """The steps of an application that was handed in and did not end without a payment."""
    told = _Teller(one, locale, today)
    return [
        Step(At.DONE, gettext(_HANDED_IN, locale), told.on(one.filed_at and day_of(one.filed_at))),
        told.check(),
        told.approval(),
        told.notice(),
        told.payment(),
    ]


@dataclass(frozen=True, slots=True)
class _Teller:
    """One application, told to one reader on a day."""

    one: Application
    locale: str
    today: date

    def on(self, day: date | None) -> str:
        """A day in words."""
        return formats.plain_day(day, self.locale, self.today) if day else ""

    def say(self, title: str, state: At, text: str = "", day: date | None = None) -> Step:
        """A step whose note may name a day, and the card."""
        card = self.one.card
        told = {"day": self.on(day), "last4": card.number[-4:] if card else ""}
        note = gettext(text, self.locale, **told) if text else ""
        return Step(state, gettext(title, self.locale), note)

    def due(self, title: str) -> Step:
        """A step of the office that goes on."""
        late = self.one.overdue(self.today)
        text = (_LATE if late else _DUE) if self.one.due_on else ""
        return self.say(title, At.NOW, text, self.one.due_on)

    def check(self) -> Step:
        """The division's check, or the correction that it waits for."""
        if self.one.correct_until is not None:
            last = day_of(self.one.correct_until - timedelta(seconds=1))
            return self.say(_CHECKED, At.BACK, _CORRECT, last)
        if self.one.prechecked_at is None:
            return self.due(_CHECKED)
        checked = self.on(day_of(self.one.prechecked_at))
        return Step(At.DONE, gettext(_CHECKED, self.locale), checked)

    def approval(self) -> Step:
        """The city's approval."""
        if self.one.status is _S.PRECHECKED:
            return self.due(_APPROVED)
        if self.one.status not in GRANTED or self.one.decided_at is None:
            return self.say(_APPROVED, At.LATER)
        decided = self.on(day_of(self.one.decided_at))
        return Step(At.DONE, gettext(_APPROVED, self.locale), decided)

    def notice(self) -> Step:
        """The notice after it."""
        last = self.one.notice_until
        if last is None:
            return self.say(_NOTICED, At.LATER)
        return self.say(_NOTICED, At.DONE if last < self.today else At.NOW, _UNTIL, last)

    def payment(self) -> Step:
        """The payment, or what it waits for."""
        if self.one.status is _S.APPROVED:
            last = self.one.notice_until
            noticed = last is not None and last >= self.today
            return replace(self.due(_PAID), state=At.LATER) if noticed else self.due(_PAID)
        if self.one.status is _S.PAYOUT_REFUSED:
            return self.say(_PAID, At.BACK, _CARD)
        if self.one.status is _S.CARD_GIVEN:
            return self.say(_PAID, At.NOW, _CARD_LOOKED_AT)
        if self.one.paid_at is not None:
            return self.say(_PAID, At.DONE, _PAID_TO, day_of(self.one.paid_at))
        return self.say(_PAID, At.LATER)
