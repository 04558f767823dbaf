"""Outcome data at the desk: what was imported, what to ask for, and importing a file."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from flask import Blueprint, redirect, render_template, request

from admin import staff
from admin.api.outcomes import FILE_LIMIT_BYTES
from admin.forms import refuse
from voucher_service.causal import outcome_reader, service
from voucher_service.causal.outcomes import KINDS, OutcomeFileInvalid
from voucher_service.causal.service.importing import MAY_IMPORT
from voucher_service.i18n import formats, gettext, mark
from voucher_service.i18n.errors import LINE, WHOLE_FILE
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

outcomes = Blueprint("outcome_pages", __name__, url_prefix="/outcomes")
importing = Blueprint("outcome_import_pages", __name__, url_prefix="/outcomes")

TOO_LARGE = mark("文件超过 16 MB。请在服务器上用 voucher outcomes import 导入。")
_A_PAGE, _ASKED = 20, 8


class FileForm(Schema):
    """Nothing beside the file: its head says what it is."""


@outcomes.get("")
def show_all() -> str:
    """What was imported, and the form."""
    return _page(forms.Form())


@importing.post("")
def import_file() -> Any:
    """Import a file, all of it or nothing."""
    form = forms.read(FileForm)
    content = uploads.sent(form, "file", most_bytes=FILE_LIMIT_BYTES)
    if len(content) > FILE_LIMIT_BYTES:
        form.errors["file"] = gettext(TOO_LARGE, locale())
    if not form.ok:
        return _page(form), 422
    try:
        service.import_file(core(), actor=actor(), stream=BytesIO(content))
    except OutcomeFileInvalid as error:
        form.refuse(error)
        return _page(form, outcome_reader.in_words(error, locale())), 422
    except DomainError as error:
        refuse(form, error)
        return _page(form), 422
    return redirect("/outcomes?imported=yes", 303)


def _page(form: forms.Form, wrong: Sequence[tuple[list[int], str]] = ()) -> str:
    found = service.files(
        core(), actor=actor(), cursor=request.args.get("cursor") or None, limit=_A_PAGE
    )
    return render_template(
        "admin/outcomes.html",
        page=found,
        about=service.of_files(core(), files=found.items),
        asked=service.asked(core(), actor=actor(), limit=_ASKED),
        imported="imported" in request.args,
        form=form,
        kinds=KINDS,
        names=staff.names([one.imported_by for one in found.items]),
        may_import=actor().has(MAY_IMPORT),
        wrong=[(_lines(numbers), text) for numbers, text in wrong],
        most_named=outcome_reader.MOST_NAMED,
    )


def _lines(numbers: list[int]) -> str:
    if not numbers:
        return gettext(WHOLE_FILE, locale())
    return gettext(LINE, locale(), n=formats.listed(map(str, numbers), locale()))
