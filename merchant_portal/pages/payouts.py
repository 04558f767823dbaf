"""The merchant's money: what comes and when, what was paid, what waits and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from flask import Blueprint, Response, render_template, request

from voucher_service.i18n import gettext, mark
from voucher_service.infra import sheet_files
from voucher_service.infra.sheet_files import Cell, Sheet
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.settlement import service
from voucher_service.settlement.lifecycles import LINE_PUBLIC, PAYMENT_PUBLIC, LineStatus
from voucher_service.settlement.model import (
    HOLD_REASONS,
    LEFT_OUT,
    UNRELEASED,
    BatchLine,
    BatchLineId,
)
from voucher_service.web.attachments import as_file
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.site import core, now

money = Blueprint("money", __name__, url_prefix="/money")

PAGE = 30
_AT_ONCE = 500
HELD: Mapping[str, str] = {
    **{str(reason): text for reason, text in HOLD_REASONS.items()},
    UNRELEASED: mark("补贴材料还没审完"),
}
_COLUMNS = (
    ("text", mark("订单号")),
    ("text", mark("门店")),
    ("time", mark("时间")),
    ("yuan", mark("订单金额")),
    ("yuan", mark("券抵")),
    ("yuan", mark("应付")),
)
_BADGES = {LineStatus.DUE: "wait", LineStatus.PAID: "ok", LineStatus.LEFT_OUT: "warn"}


@money.get("")
def show_all() -> str:
    """What waits, then what was paid, newest first."""
    return render_template(
        "merchant/money.html",
        unpaid=service.own_unpaid(core(), actor=actor()),
        page=service.own_lines(
            core(), actor=actor(), cursor=request.args.get("cursor"), limit=PAGE
        ),
        drafted_at=_next_draft(),
        held=HELD,
        **_words(),
    )


@money.get("/<uuid:line>")
def show(line: UUID) -> str:
    """One payment: its orders, what was netted off, where it went."""
    found = _line(line)
    return render_template(
        "merchant/money_line.html",
        line=found,
        page=service.own_items(
            core(), actor=actor(), line=found.id, cursor=request.args.get("cursor"), limit=PAGE
        ),
        held=HELD,
        **_words(),
    )


@money.get("/<uuid:line>/statement.<any(csv, xlsx):format_>")
def statement(line: UUID, format_: str) -> Response:
    """Every order of a payment as a file, its sum in the last line."""
    found = _line(line)
    write = {"csv": sheet_files.csv, "xlsx": sheet_files.xlsx}[format_]
    columns = [(kind, gettext(text, locale())) for kind, text in _COLUMNS]
    sheet = Sheet(found.batch_number, columns, _rows(found))
    return as_file(f"payment-{found.batch_number}", format_, partial(write, sheet))


def _rows(line: BatchLine) -> Iterator[tuple[Cell, ...]]:
    cursor: str | None = None
    while True:
        page = service.own_items(core(), actor=actor(), line=line.id, cursor=cursor, limit=_AT_ONCE)
        for one in page.items:
            facts = (one.order_reference, one.shop, one.occurred_at)
            yield (*facts, one.order_amount, one.discount, one.due)
        cursor = page.next
        if cursor is None:
            break
    sums = ((mark("应付合计"), line.due), (mark("扣回欠款"), -line.deducted))
    for text, amount in (*sums, (mark("实付"), line.amount)):
        yield (gettext(text, locale()), None, None, None, None, amount)


def _line(line: UUID) -> BatchLine:
    return service.own_line(core(), actor=actor(), line=BatchLineId(line))


def _next_draft() -> datetime:
    """When the next batch is made: it takes in everything redeemed until the midnight before."""
    hour = timedelta(hours=core().settings.settlement.draft_hour)
    today = start_of(day_of(now())) + hour
    return today if now() < today else today + timedelta(days=1)


def _words() -> dict[str, object]:
    return {
        "line_states": LINE_PUBLIC,
        "line_badges": _BADGES,
        "payment_states": PAYMENT_PUBLIC,
        "left_out": LEFT_OUT,
        "at": now(),
    }
