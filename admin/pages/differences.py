"""Channels' files beside our books at the desk: imports, differences, one side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, cast
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request
from marshmallow import ValidationError, fields

from admin import readings, staff
from admin.api.differences import FILE_LIMIT_BYTES, DifferenceArgs, download
from admin.forms import refuse
from admin.schemas import one_of
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval
from voucher_service.approvals.model import Status as Signing
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError, NotAllowed
from voucher_service.kernel.money import ZERO
from voucher_service.reconciliation.differences import formats, model, scopes, service
from voucher_service.reconciliation.differences.exporting import PARTS
from voucher_service.reconciliation.differences.model import (
    ChannelFileId,
    ChannelFileInvalid,
    DifferenceId,
    Status,
)
from voucher_service.reconciliation.model import Finding
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import DayField, NameField, TextField, YuanField
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs, Schema
from voucher_service.web.site import core, now

files = Blueprint("channel_file_pages", __name__, url_prefix="/channel-files")
importing = Blueprint("channel_importing_pages", __name__, url_prefix="/channel-files")
differences = Blueprint("difference_pages", __name__, url_prefix="/differences")
working = Blueprint("difference_working_pages", __name__, url_prefix="/differences")

TOO_LARGE = mark("账单超过 24 MB。请按商户分开传，或请系统管理员用 voucher reconcile-file 导入。")
WHOLE_FILE = mark("整个文件")
LINE = mark("第 {n} 行")
EVENTS: Mapping[str, str] = {
    "difference.commented": mark("说明"),
    "difference.taken_over": mark("接手"),
    "difference.explained": mark("查清结案"),
    "difference.found": mark("自动结案"),
    "difference.proposed": mark("提交处理意见"),
    "difference.sent_back": mark("没有批准，重新查"),
    "difference.corrected": mark("已更正"),
    "difference.accepted": mark("已认可"),
}
FOUND: Mapping[str, str] = {
    "there": mark("后来的账单里有这一笔。"),
    "here": mark("平台后来有了这一笔，金额一样。"),
    "replaced": mark("同一天的新账单里不再有这处差异。"),
}
_TONES = {Status.OPEN: "stop", Status.PROPOSED: "wait", Status.EXPLAINED: "ok"}
_VERBS = ("comment", "take_over", "explain")


class FileForm(Schema):
    """What the file beside it is."""

    format = fields.String(required=True, validate=one_of(*formats.shelf()))
    uscc = NameField(load_default="", maximum=18)
    shop = NameField(load_default="", maximum=80)
    with_others = fields.String(load_default="", validate=one_of("", "yes"))
    day = DayField(load_default=None)


class LineArgs(PageArgs):
    """Which lines of a file."""

    finding = fields.String(load_default=None, validate=one_of(*map(str, Finding)))


class WordsForm(Schema):
    """What is said, and what it does."""

    verb = fields.String(required=True, validate=one_of(*_VERBS))
    text = TextField(load_default="", minimum=2, maximum=500, multiline=True)


class ProposalForm(Schema):
    """What closes it: a part of the order given back, or our books as they are."""

    way = fields.String(required=True, validate=one_of("correct", "accept"))
    amount = YuanField(load_default=None)
    reason = TextField(required=True, minimum=2, maximum=500, multiline=True)


@files.get("")
def show_files() -> str:
    """Imported files, and the form for another."""
    return _files(forms.Form())


@importing.post("")
def upload() -> Any:
    """Import a file."""
    if actor().area:
        raise NotAllowed
    form = forms.read(FileForm)
    found = request.files.get("file")
    if found is None or not found.filename:
        form.errors["file"] = gettext(uploads.NO_FILE, locale())
    elif found.stream.seek(0, 2) > FILE_LIMIT_BYTES:
        form.errors["file"] = gettext(TOO_LARGE, locale())
    if not form.ok or found is None:
        return _files(form), 422
    told = form.values
    try:
        scope = scopes.named(core(), format=told["format"], uscc=told["uscc"], shop=told["shop"])
        made = service.take(
            core(),
            actor=actor(),
            format=told["format"],
            file_name=uploads.name_of("file"),
            source=cast(BinaryIO, found.stream),
            merchant=scope.merchant,
            shop=scope.shop,
            with_others=bool(told["with_others"]),
            day=told["day"],
        )
    except DomainError as error:
        wrong = error.extra["lines"] if isinstance(error, ChannelFileInvalid) else []
        return _files(refuse(form, error), [_said(one) for one in wrong]), status_of(error)
    return redirect(f"/channel-files/{made.id}", 303)


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
        format=formats.get(found.format),
        page=service.lines(core(), actor=actor(), file=ChannelFileId(id), finding=finding, **args),
        finding=finding,
        names=staff.names([found.made_by] if found.made_by else []),
        **_words(),
    )


@files.get("/<uuid:id>/lines.<any(csv, xlsx):format_>")
def lines(id: UUID, format_: str) -> Response:
    """Every line, as a file."""
    return download(id, format_)


@differences.get("")
def show_all() -> str:
    """Differences of one state, the one that is due first at the beginning."""
    try:
        args = DifferenceArgs().load(request.args.to_dict())
    except ValidationError:
        args = DifferenceArgs().load({})
    state, finding, file = Status(args["state"]), args["finding"], args["file_id"]
    page = service.differences(
        core(),
        actor=actor(),
        status=state,
        finding=Finding(finding) if finding else None,
        file=ChannelFileId(file) if file else None,
        cursor=args["cursor"],
        limit=args["limit"],
    )
    owners = {one.owner for one in page.items if one.owner}
    return render_template(
        "admin/differences.html",
        page=page,
        state=state,
        finding=finding,
        within=f"&file_id={file}" if file else "",
        names=staff.names(owners),
        **_words(),
    )


@differences.get("/<uuid:id>")
def show(id: UUID) -> str:
    """One difference side by side."""
    return _one(id, forms.Form())


@working.post("/<uuid:id>")
def say(id: UUID) -> Any:
    """Comment, take over, or explain what holds no money."""
    form, found = forms.read(WordsForm), DifferenceId(id)
    if form.ok and form.values["verb"] != "take_over" and not form.values["text"]:
        form.errors["text"] = gettext(mark("这一项必填。"), locale())
    if form.ok:
        verb, text = form.values["verb"], form.values["text"]
        try:
            if verb == "take_over":
                service.take_over(core(), actor=actor(), difference=found)
            elif verb == "comment":
                service.comment(core(), actor=actor(), difference=found, text=text)
            else:
                service.explain(core(), actor=actor(), difference=found, text=text)
        except DomainError as error:
            return _one(id, refuse(form, error)), status_of(error)
        return redirect(f"/differences/{id}", 303)
    return _one(id, form), 422


@working.post("/<uuid:id>/propose")
def propose(id: UUID) -> Any:
    """Ask a second person to close it."""
    form = forms.read(ProposalForm)
    corrects = form.values.get("way") == "correct"
    if form.ok and corrects and not form.values["amount"]:
        form.errors["amount"] = gettext(mark("这一项必填。"), locale())
    if not form.ok:
        return _one(id, form), 422
    try:
        proposal = service.propose(
            core(),
            actor=actor(),
            difference=DifferenceId(id),
            amount=form.values["amount"] if corrects else None,
            reason=form.values["reason"],
        )
    except DomainError as error:
        return _one(id, refuse(form, error)), status_of(error)
    return redirect(f"/approvals/{proposal}", 303)


def _files(form: forms.Form, wrong: list[tuple[str, str]] | None = None) -> str:
    try:
        args = PageArgs().load(request.args.to_dict())
    except ValidationError:
        args = PageArgs().load({})
    page = service.files(core(), actor=actor(), **args)
    return render_template(
        "admin/channel_files.html",
        page=page,
        form=form,
        wrong=wrong or [],
        formats=formats.shelf(),
        language=_language(),
        may_import=actor().has(Role.FINANCE) and not actor().area,
    )


def _one(id: UUID, form: forms.Form) -> str:
    found = service.difference(core(), actor=actor(), difference=DifferenceId(id))
    people = {note.by for note in found.notes if note.by} | ({found.owner} - {None})
    return render_template(
        "admin/difference.html",
        form=form,
        found=found,
        may_work=actor().has(Role.FINANCE),
        wanted=model.give_back(found.line, found.left or ZERO),
        waiting=approvals.latest(core(), actor=actor(), about=id, status=Signing.WAITING),
        names=staff.names([one for one in people if one]),
        late=found.late(now()),
        events=EVENTS,
        reasons=FOUND,
        sees_files=not actor().area,
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {
        "findings": model.FINDINGS,
        "kinds": model.KINDS,
        "states": model.PUBLIC,
        "parts": PARTS,
        "tones": _TONES,
        "language": _language(),
    }


def _language() -> str:
    """The language in which formats are called."""
    return "en" if locale() == "en" else "zh"


def _said(wrong: Mapping[str, Any]) -> tuple[str, str]:
    """Which line of the file is wrong, and how."""
    where = gettext(LINE, locale(), n=wrong["line"]) if wrong["line"] else WHOLE_FILE
    facts = {
        "column": gettext(wrong["column"], locale()),
        "said": wrong["said"],
        "found": wrong["found"],
    }
    return gettext(where, locale()), gettext(wrong["text"], locale(), **facts)


def _reading(found: Approval) -> Mapping[str, Any]:
    """A difference as the second person reads it who closes it."""
    id = DifferenceId(found.object_id)
    return {
        "found": service.difference(core(), actor=actor(), difference=id),
        "told": found.payload,
        "trail": [("/differences", gettext(mark("差异"), locale()))],
        **_words(),
    }


readings.register("difference", template="admin/reading_difference.html", load=_reading)
