"""What differs from channels' files at the desk: all of it, and one side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import ValidationError, fields

from admin import readings, staff
from admin.api.differences import DifferenceArgs
from admin.forms import refuse
from admin.schemas import one_of
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval
from voucher_service.approvals.model import Status as Signing
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import ZERO
from voucher_service.reconciliation.differences import formats, model, service
from voucher_service.reconciliation.differences.exporting import PARTS
from voucher_service.reconciliation.differences.model import (
    ChannelFileId,
    DifferenceId,
    Status,
)
from voucher_service.reconciliation.model import Finding
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.fields import TextField, YuanField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core, now

differences = Blueprint("difference_pages", __name__, url_prefix="/differences")
working = Blueprint("difference_working_pages", __name__, url_prefix="/differences")

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
    "booked": mark("平台后来的账和银行一样了。"),
    "replaced": mark("同一天的新账单里不再有这处差异。"),
}
_TONES = {Status.OPEN: "stop", Status.PROPOSED: "wait", Status.EXPLAINED: "ok"}
_VERBS = ("comment", "take_over", "explain")


class WordsForm(Schema):
    """What is said, and what it does."""

    verb = fields.String(required=True, validate=one_of(*_VERBS))
    text = TextField(load_default="", minimum=2, maximum=500, multiline=True)


class ProposalForm(Schema):
    """What closes it: a part of the order given back, or our books as they are."""

    way = fields.String(required=True, validate=one_of("correct", "accept"))
    amount = YuanField(load_default=None)
    reason = TextField(required=True, minimum=2, maximum=500, multiline=True)


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
        **words(),
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


def _one(id: UUID, form: forms.Form) -> str:
    found = service.difference(core(), actor=actor(), difference=DifferenceId(id))
    people = {note.by for note in found.notes if note.by} | ({found.owner} - {None})
    return render_template(
        "admin/difference.html",
        form=form,
        found=found,
        may_work=actor().has(Role.FINANCE),
        wanted=model.give_back(found.line, found.left or ZERO, found.corrected),
        waiting=approvals.latest(core(), actor=actor(), about=id, status=Signing.WAITING),
        names=staff.names([one for one in people if one]),
        late=found.late(now()),
        events=EVENTS,
        reasons=FOUND,
        sees_files=not actor().area,
        **words(found.format),
    )


def words(format: str | None = None) -> dict[str, Any]:
    """What pages about a format's lines call things."""
    return {
        "findings": model.FINDINGS,
        "kinds": formats.kinds(format) if format else model.KINDS,
        "of_bank": format is not None and formats.is_bank(format),
        "states": model.PUBLIC,
        "parts": PARTS,
        "tones": _TONES,
    }


def _reading(found: Approval) -> Mapping[str, Any]:
    """A difference as the second person reads it who closes it."""
    about = service.difference(core(), actor=actor(), difference=DifferenceId(found.object_id))
    return {
        "found": about,
        "told": found.payload,
        "trail": [("/differences", gettext(mark("差异"), locale()))],
        **words(about.format),
    }


readings.register("difference", template="admin/reading_difference.html", load=_reading)
