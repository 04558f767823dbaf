"""What waits for finance on the first page: batches, differences, files that did not come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from voucher_service.i18n import formats, gettext, mark
from voucher_service.i18n.errors import written
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.differences import expecting
from voucher_service.reconciliation.differences import service as differences
from voucher_service.settlement import service as settlement
from voucher_service.settlement.lifecycles import BatchStatus
from voucher_service.settlement.model import Batch
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.site import core, now, today

from .proposals import soon

# Batches are made one a day: older ones that wait are found on their own page.
_BATCHES = 50
_BANK_ANSWERS_WITHIN = timedelta(days=2)
Words = tuple[str, str, str, str]
_REVIEW: Words = (
    mark("付"),
    mark("复核清算批次 {number}"),
    mark("{n} 个收款方，应付 {sum}"),
    mark("去复核"),
)
_PAY: Words = (
    mark("付"),
    mark("付清算批次 {number}"),
    mark("{n} 笔付款，{sum}"),
    mark("去付款"),
)
_TAKE: Words = (
    mark("催"),
    mark("清算批次 {number} 等银行回盘"),
    mark("还有 {n} 笔，{sum}"),
    mark("收回盘"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the inbox; `mark` is the one character of its kind, `due`: it can't wait."""

    mark: str
    due: bool
    title: str
    note: str
    href: str
    verb: str


def tasks() -> list[Task]:
    """What the reader can do next; nothing for who is not of the city's finance."""
    reader = actor()
    if not reader.has(Role.FINANCE) or reader.area:
        return []
    return [*_batches(reader), *_differences(reader), *_missing(reader)]


def _batches(reader: Actor) -> Iterator[Task]:
    """Whoever did a step of a batch does not do the next one."""
    for one in settlement.batches(core(), actor=reader, cursor=None, limit=_BATCHES).items:
        over = one.statement_until is not None and one.statement_until <= now()
        if one.status is BatchStatus.DRAFTED and over and reader.id != one.drafted_by:
            yield _of(one, _REVIEW, one.lines, one.due)
        elif one.status is BatchStatus.APPROVED and reader.id not in (
            one.drafted_by,
            one.reviewed_by,
        ):
            yield _of(one, _PAY, one.payments, one.total)
        elif one.status is BatchStatus.SENT and one.sent_at is not None:
            late = now() - one.sent_at > _BANK_ANSWERS_WITHIN
            yield _of(one, _TAKE, one.open, one.open_amount, due=late)


def _of(batch: Batch, said: Words, count: int, total: Money, *, due: bool = True) -> Task:
    kind, title, note, verb = said
    facts = {"n": formats.count(count), "sum": formats.money(total)}
    here = f"/settlements/{batch.id}"
    title = _say(title, number=batch.number)
    return Task(_say(kind), due, title, _say(note, **facts), here, _say(verb))


def _differences(reader: Actor) -> Iterator[Task]:
    found = differences.waiting(core(), actor=reader)
    if found.count and found.first_due is not None:
        yield Task(
            _say(mark("对")),
            soon(found.first_due),
            _say(mark("{n} 处对账差异没结案"), n=formats.count(found.count)),
            _say(mark("最早的一处 {at}查清"), at=formats.until(found.first_due, locale(), today())),
            "/differences",
            _say(mark("去查")),
        )


def _missing(reader: Actor) -> Iterator[Task]:
    days = [day for one in expecting.standings(core(), actor=reader) for day in one.missing]
    if days:
        yield Task(
            _say(mark("催")),
            True,
            _say(mark("{n} 份账单没来"), n=formats.count(len(days))),
            _say(mark("最早的是 {day} 的"), day=written(min(days), locale())),
            "/channel-files/expected",
            _say(mark("去催")),
        )


def _say(text: str, **facts: Any) -> str:
    return gettext(text, locale(), **facts)
