"""Trade-in qualifications: claim after the sum, show at the till, give up; or wait in line."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from voucher_service.i18n import sentence
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.page import MOST
from voucher_service.tradein import service, words
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import QualificationId, Status
from voucher_service.vouchers import short_code
from voucher_service.web import qr
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.language import locale
from voucher_service.web.site import core, now

from ..crowd import qualifications
from ..limiting import not_too_often
from ..qualification_codes import fresh

pages = Blueprint("qualifications", __name__, url_prefix="/trade-in")


@pages.get("/qualifications")
def show_all() -> str:
    """Mine, newest first, and the lines that I stand in."""
    cursor = request.args.get("cursor")
    found = service.mine(core(), actor=actor(), cursor=cursor, limit=MOST)
    return render_template(
        "resident/qualifications.html",
        qualifications=found.items,
        older=found.next,
        waiting=service.waiting(core(), actor=actor()),
        label=_label,
    )


@pages.post("/<name>/claim")
def claim(name: str) -> Response | tuple[str, int]:
    """Take one. The form sent twice is one claim."""
    category, key = _category(name), idempotency_key()
    try:
        not_too_often(core(), actor())
        taken = qualifications().claim(actor=actor(), category=category, key=key)
    except DomainError as refusal:
        return _refused(category, refusal), status_of(refusal)
    return make_response(redirect(url_for("qualifications.show", id=taken.value.id), 303))


@pages.post("/<name>/wait")
def wait(name: str) -> Response | tuple[str, int]:
    """Stand in the line of a full pool; sent twice it is one place."""
    category = _category(name)
    try:
        not_too_often(core(), actor())
        service.wait(core(), actor=actor(), category=category)
    except DomainError as refusal:
        return _refused(category, refusal), status_of(refusal)
    return make_response(redirect(url_for("qualifications.show_all"), 303))


@pages.post("/<name>/leave")
def leave(name: str) -> Response:
    """Leave the line."""
    service.leave(core(), actor=actor(), category=_category(name))
    return make_response(redirect(url_for("qualifications.show_all"), 303))


@pages.get("/qualifications/<uuid:id>")
def show(id: UUID) -> str:
    """One of mine; while it can be used, with its code."""
    found = service.get(core(), actor=actor(), qualification=QualificationId(id))
    status = found.shown_status(now())
    code = fresh(found) if status is Status.CLAIMED else None
    return render_template(
        "resident/qualification.html",
        qualification=found,
        label=_label(found.category),
        status=status,
        units=found.pool.policy.units_of(found.category),
        drawing=qr.draw(code.text) if code else None,
        short=short_code.grouped(code.short) if code else "",
        left=max(1, round((code.valid_until - now()).total_seconds())) if code else 0,
    )


@pages.post("/qualifications/<uuid:id>/give-up")
def give_up(id: UUID) -> Response:
    """Give it up; sent twice it is given up once."""
    service.give_up(core(), actor=actor(), qualification=QualificationId(id))
    return make_response(redirect(url_for("qualifications.show", id=id), 303))


def _refused(category: Category, refusal: DomainError) -> str:
    return render_template(
        "resident/qualification_refused.html",
        category=category,
        label=_label(category),
        code=refusal.code,
        sentence=sentence(refusal, locale()),
        ids=refusal.extra.get("qualification_ids", ()),
    )


def _category(name: str) -> Category:
    if name not in set(Category):
        raise NoSuchThing
    return Category(name)


def _label(category: Category) -> str:
    return words.label(category, locale())
