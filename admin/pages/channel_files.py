"""Channels' files beside our books at the desk: what was imported, and importing another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, cast
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request
from marshmallow import ValidationError, fields

from admin import staff
from admin.api.differences import download
from admin.forms import refuse
from admin.schemas import one_of
from voucher_service.i18n import faults, gettext
from voucher_service.i18n.errors import say, wrong_lines
from voucher_service.infra.spool import Incoming
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError, NotAllowed
from voucher_service.reconciliation.differences import (
    expecting,
    formats,
    scopes,
    service,
    uploading,
)
from voucher_service.reconciliation.differences.layout import Days
from voucher_service.reconciliation.differences.model import ChannelFileId
from voucher_service.reconciliation.differences.uploads import UPLOAD_PUBLIC, Upload, UploadId
from voucher_service.reconciliation.model import Finding
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import DayField, NameField
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs, Schema
from voucher_service.web.site import core

from .differences import words

files = Blueprint("channel_file_pages", __name__, url_prefix="/channel-files")
importing = Blueprint("channel_importing_pages", __name__, url_prefix="/channel-files")

_LOOK_AGAIN_SECONDS = 5


class FileForm(Schema):
    """What the file beside it is."""

    format = fields.String(required=True, validate=one_of(*formats.shelf()))
    uscc = NameField(load_default="", maximum=18)
    shop = NameField(load_default="", maximum=80)
    with_others = fields.String(load_default="", validate=one_of("", "yes"))
    day = DayField(load_default=None)
    last_day = DayField(load_default=None)


class LineArgs(PageArgs):
    """Which lines of a file."""

    finding = fields.String(load_default=None, validate=one_of(*map(str, Finding)))


@files.get("")
def show_files() -> str:
    """Imported files, and the form for another."""
    return _files(forms.Form())


@importing.post("")
def upload() -> Any:
    """Import a file; a large one in the background."""
    if actor().area:
        raise NotAllowed
    form = forms.read(FileForm)
    found = request.files.get("file")
    if found is None or not found.filename:
        form.errors["file"] = gettext(uploads.NO_FILE, locale())
    if not form.ok or found is None:
        return _files(form), 422
    told = form.values
    try:
        scope = scopes.named(core(), format=told["format"], uscc=told["uscc"], shop=told["shop"])
        about = {
            "actor": actor(),
            "format": told["format"],
            "file_name": uploads.name_of("file"),
            "merchant": scope.merchant,
            "shop": scope.shop,
            "with_others": bool(told["with_others"]),
            "days": Days.said(told["day"], told["last_day"]),
        }
        if isinstance(found.stream, Incoming):
            waits = uploading.keep(core(), incoming=found.stream, **about)
            return redirect(f"/channel-files/uploads/{waits.id}", 303)
        stream = cast(BinaryIO, found.stream)
        made = service.take(core(), source=stream, **about)
    except DomainError as error:
        return _files(refuse(form, error), faults(error, locale())), status_of(error)
    return redirect(f"/channel-files/{made.id}", 303)


@importing.get("/uploads/<uuid:id>")
def show_upload(id: UUID) -> Any:
    """How far a large file was read; the file itself once it was taken."""
    found = uploading.get(core(), actor=actor(), upload=UploadId(id))
    if found.file_id is not None:
        return redirect(f"/channel-files/{found.file_id}", 303)
    answer = make_response(
        render_template(
            "admin/channel_upload.html",
            found=found,
            format=formats.title(found.format, locale()),
            refusal=refusal(found),
            states=UPLOAD_PUBLIC,
        )
    )
    if found.ended_at is None:
        answer.headers["Refresh"] = str(_LOOK_AGAIN_SECONDS)
    return answer


@files.get("/<uuid:id>")
def show_file(id: UUID) -> str:
    """One file: counts, and the lines that did not match, or of one finding (`?finding=`)."""
    try:
        args = LineArgs().load(request.args.to_dict())
    except ValidationError:
        args = LineArgs().load({})
    asked = args.pop("finding")
    finding = Finding(asked) if asked else None
    found = service.file(core(), actor=actor(), file=ChannelFileId(id))
    return render_template(
        "admin/channel_file.html",
        found=found,
        format=formats.title(found.format, locale()),
        page=service.lines(core(), actor=actor(), file=ChannelFileId(id), finding=finding, **args),
        finding=finding,
        names=staff.names([found.made_by] if found.made_by else []),
        **words(found.format),
    )


@files.get("/<uuid:id>/lines.<any(csv, xlsx):format_>")
def lines(id: UUID, format_: str) -> Response:
    """Every line, as a file."""
    return download(id, format_)


def _files(form: forms.Form, wrong: list[tuple[str, str]] | None = None) -> str:
    try:
        args = PageArgs().load(request.args.to_dict())
    except ValidationError:
        args = PageArgs().load({})
    page = service.files(core(), actor=actor(), **args)
    may_import = actor().has(Role.FINANCE) and not actor().area
    return render_template(
        "admin/channel_files.html",
        page=page,
        expected=expecting.standings(core(), actor=actor()),
        title=lambda channel: formats.title(channel, locale()),
        sent=uploading.current(core(), actor=actor()) if may_import else [],
        most_megabytes=core().settings.matching.file_limit_bytes >> 20,
        form=form,
        wrong=wrong or [],
        formats={id: formats.title(id, locale()) for id in formats.shelf()},
        may_import=may_import,
    )


def refusal(found: Upload) -> tuple[str, Sequence[tuple[str, str]]]:
    """Why a large file was not taken: a sentence, and the wrong lines."""
    told = found.refusal
    if told is None:
        return "", ()
    return say(told["code"], locale(), told["params"]), wrong_lines(told, locale())
