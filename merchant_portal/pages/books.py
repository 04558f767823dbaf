"""The shop's books: look for an order, sum up days, take the statement along."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request

from merchant_portal.books_schemas import SearchArgs, SpanArgs
from voucher_service.disputes import service as disputes
from voucher_service.i18n import gettext
from voucher_service.kernel.actor import Role
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.redemption.model import Status
from voucher_service.reports import day_end as day_ends
from voucher_service.reports import shop_lines, statement
from voucher_service.reports.shop_lines import Sought
from voucher_service.web import forms
from voucher_service.web.attachments import as_file
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.site import core, today

books = Blueprint("books", __name__, url_prefix="/books")
statements = Blueprint("statements", __name__, url_prefix="/books")

_USUAL_DAYS = 31


@books.get("")
def search() -> tuple[str, int]:
    """Orders of the last days, or those that were looked for."""
    return _search_page(forms.read(SearchArgs, sent=request.args))


def _search_page(form: forms.Form) -> tuple[str, int]:
    """The form with what fits; with nothing when there is something to correct."""
    sought, page = _sought(form.values), None
    if form.ok:
        page = shop_lines.search(
            core(),
            actor=actor(),
            sought=sought,
            cursor=form.values["cursor"],
            limit=form.values["limit"],
        )
    manages = actor().has(Role.MANAGER)
    shown = render_template(
        "merchant/books.html",
        form=form,
        page=page,
        sought=sought,
        answered=disputes.waiting_for_shop(core(), actor=actor()) if manages else 0,
        states=statement.STATES,
        statuses=[(str(one), gettext(statement.STATES[one], locale())) for one in Status],
        asked={name: value for name, value in form.typed.items() if name != "cursor"},
    )
    return shown, 200 if form.ok else 422


@books.get("/lines/<uuid:redemption_id>")
def line(redemption_id: UUID) -> str:
    """One order with everything that is known of it."""
    found = shop_lines.one(core(), actor=actor(), redemption=RedemptionId(redemption_id))
    return render_template(
        "merchant/books_line.html", line=found, states=statement.STATES, phases=statement.PHASES
    )


@books.get("/day-end")
def day_end() -> tuple[str, int]:
    """Days summed up, to print; today unless told."""
    form = forms.read(SpanArgs, sent=request.args)
    first, last = _days(form.values, usual=1)
    found = None
    if form.ok:
        found = day_ends.day_end(core(), actor=actor(), first=first, last=last)
    shown = render_template("merchant/day_end.html", form=form, found=found, first=first, last=last)
    return shown, 200 if form.ok else 422


@statements.get("/statement.<any(csv, xlsx):format_>")
def statement_file(format_: str) -> Response | tuple[str, int]:
    """The orders that fit as a file; the last 31 days unless told. No file for a wrong search."""
    form = forms.read(SearchArgs, sent=request.args)
    if not form.ok:
        return _search_page(form)
    sought = _sought(form.values)
    name = f"statement-{sought.first:%Y%m%d}-{sought.last:%Y%m%d}"
    return as_file(
        name,
        format_,
        lambda out: statement.statement(
            core(), actor=actor(), sought=sought, format_=format_, locale=locale(), out=out
        ),
    )


def _sought(values: dict[str, Any]) -> Sought:
    first, last = _days(values, usual=_USUAL_DAYS)
    amount: Money | None = values.get("amount")
    status = values.get("status")
    return Sought(
        first,
        last,
        values.get("reference"),
        amount,
        values.get("digits"),
        Status(status) if status else None,
    )


def _days(values: dict[str, Any], *, usual: int) -> tuple[date, date]:
    first = values.get("first")
    last = values.get("last") or max(today(), first or today())
    return first or last - timedelta(days=usual - 1), last
