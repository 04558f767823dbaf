"""The till's own file against our books: upload, result, result as a file."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, Flask, Response, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response as Redirect

from merchant_portal.books_schemas import MatchingArgs, SpanArgs
from voucher_service.i18n import faults, gettext, mark
from voucher_service.reconciliation import matching
from voucher_service.reconciliation.model import FINDINGS, Finding, MatchingId, TillFileInvalid
from voucher_service.reports import statement
from voucher_service.web import forms, uploads
from voucher_service.web.attachments import as_file
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs
from voucher_service.web.site import core

matchings = Blueprint("matchings", __name__, url_prefix="/books/matchings")

FILE_LIMIT_BYTES = 5 * 1024 * 1024
TOO_LARGE = mark("文件超过 5 MB。请按天分开传。")


def install(app: Flask) -> None:
    """Let the till's file through, which is larger than other requests."""
    uploads.let_through(app, {matchings.name})


@matchings.get("")
def show_all() -> str:
    """The form, and what was compared before."""
    return _page(forms.Form())


@matchings.post("")
def upload() -> Redirect | tuple[str, int]:
    """Compare a file."""
    form = forms.read(SpanArgs)
    content = uploads.sent(form, "file", most_bytes=FILE_LIMIT_BYTES)
    if len(content) > FILE_LIMIT_BYTES:
        form.errors["file"] = gettext(TOO_LARGE, locale())
    if not form.ok:
        return _page(form), 422
    try:
        made = matching.compare(
            core(), actor=actor(), file_name=uploads.name_of("file"), content=content, **form.values
        )
    except TillFileInvalid as error:
        form.refuse(error)
        return _page(form, faults(error, locale())), 422
    return redirect(f"/books/matchings/{made.id}", 303)


@matchings.get("/<uuid:id>")
def show(id: UUID) -> str:
    """What differs; or the lines of one finding (`?finding=`)."""
    try:
        args = MatchingArgs().load(request.args.to_dict())
    except ValidationError:
        args = MatchingArgs().load({})
    finding = Finding(args["finding"]) if args["finding"] else None
    return render_template(
        "merchant/matching.html",
        found=matching.get(core(), actor=actor(), matching=MatchingId(id)),
        page=matching.lines(
            core(),
            actor=actor(),
            matching=MatchingId(id),
            finding=finding,
            cursor=args["cursor"],
            limit=args["limit"],
        ),
        finding=finding,
        findings=FINDINGS,
        parts=statement.PARTS,
    )


@matchings.get("/<uuid:id>/lines.<any(csv, xlsx):format_>")
def file(id: UUID, format_: str) -> Response:
    """Every line, as a file."""
    return as_file(
        "matching",
        format_,
        lambda out: statement.compared(
            core(),
            actor=actor(),
            id=MatchingId(id),
            format_=format_,
            locale=locale(),
            out=out,
        ),
    )


def _page(form: forms.Form, wrong: Sequence[tuple[str, str]] = ()) -> str:
    try:
        args = PageArgs().load(request.args.to_dict())
    except ValidationError:
        args = PageArgs().load({})
    return render_template(
        "merchant/matchings.html",
        form=form,
        wrong=wrong,
        page=matching.matchings(core(), actor=actor(), **args),
    )
