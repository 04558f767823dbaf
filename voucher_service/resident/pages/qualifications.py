"""Trade-in qualifications: claim after the sum, show at the till, give up; or wait in line."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)

from voucher_service.i18n import sentence
from voucher_service.i18n.match_words import match_word
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.page import MOST
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption
from voucher_service.redemption.model import Status as Stage
from voucher_service.redemption.refund_words import fate_in_words
from voucher_service.redemption.refunds import Refund
from voucher_service.redemption.watching import Glance, glance_at
from voucher_service.tradein import service, words
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Qualification, QualificationId, Status
from voucher_service.vouchers import model, short_code
from voucher_service.web import qr
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.language import locale
from voucher_service.web.site import core, now, today

from ..crowd import qualifications
from ..limiting import not_too_often
from ..qualification_codes import fresh

pages = Blueprint("qualifications", __name__, url_prefix="/trade-in")
_AT_A_TILL = (Status.FROZEN, Status.USED)
_FRESH = timedelta(minutes=10)  # what happened at the till since then is told on the code's page


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
    """One of mine: its code, the order it is locked for, its receipt, or how it ended."""
    caller, mine = actor(), QualificationId(id)
    latest = redemption.sale_on_screen(core(), actor=caller, qualification=mine)
    found = service.get(core(), actor=caller, qualification=mine)
    status = found.shown_status(now())
    seen = Glance.of(found.status, found.valid_until, latest).mark
    if latest is not None and status in _AT_A_TILL:
        return _at_a_till(found, latest, seen)
    code = fresh(found) if status is Status.CLAIMED else None
    return render_template(
        "resident/qualification.html",
        qualification=found,
        label=_label(found.category),
        status=status,
        units=found.pool.policy.units_of(found.category),
        drawing=qr.draw(code.text) if code else None,
        short=short_code.grouped(code.short) if code else "",
        word=_word(id, code.window) if code else "",
        left=max(1, round((code.valid_until - now()).total_seconds())) if code else 0,
        seen=seen,
        latest=latest,
        told=_told(latest),
        refunds=_refunds(latest, found) if latest else (),
    )


@pages.get("/qualifications/<uuid:id>/status.json")
def status(id: UUID) -> Response:
    """Where it stands, for a page that waits for the till: another `mark` than its own means that
    the page shows something else now.
    """
    seen = glance_at(core(), actor=actor(), qualification=QualificationId(id))
    page = url_for("qualifications.show", id=id)
    return jsonify(status=str(seen.standing), mark=seen.mark, page=page)


@pages.post("/qualifications/<uuid:id>/redemptions/<uuid:redemption_id>/release")
def release(id: UUID, redemption_id: UUID) -> Response:
    """It isn't me: this order lets the qualification go. What was sold before stays sold."""
    redemption.release(core(), actor=actor(), redemption=RedemptionId(redemption_id))
    return make_response(redirect(url_for("qualifications.show", id=id), 303))


@pages.post("/qualifications/<uuid:id>/give-up")
def give_up(id: UUID) -> Response:
    """Give it up; sent twice it is given up once."""
    service.give_up(core(), actor=actor(), qualification=QualificationId(id))
    return make_response(redirect(url_for("qualifications.show", id=id), 303))


def _at_a_till(found: Qualification, latest: Redemption, seen: str) -> str:
    """A till has it: locked for an order that is to be paid, or sold."""
    until = latest.freeze_expires_at
    held = latest.status is Stage.FROZEN and until is not None
    return render_template(
        "resident/qualification_at_till.html",
        qualification=found,
        label=_label(found.category),
        redemption=latest,
        seen=seen,
        word=_word(found.id, latest.code_window),
        held=held,
        left=max(0, round((until - now()).total_seconds())) if held and until else 0,
        seconds=core().settings.till.freeze_seconds,
        fresh=_told(latest) is not None,
        refunds=_refunds(latest, found),
    )


def _refunds(latest: Redemption, found: Qualification) -> list[tuple[Refund, str]]:
    """What was given back of an order, newest first; the newest says what became of it, while that
    is so.
    """
    given = redemption.refunds_of_order(core(), actor=actor(), redemption=latest.id)
    return [(one, "" if place else _fate(one, found)) for place, one in enumerate(given)]


def _fate(one: Refund, found: Qualification) -> str:
    if one.after is not found.shown_status(now()):
        return ""
    return fate_in_words(one.fate, one.after, one.valid_from, one.valid_until, locale(), today())


def _told(latest: Redemption | None) -> Stage | None:
    """What a till did with it a moment ago."""
    if latest is None or now() - latest.occurred_at > _FRESH:
        return None
    return latest.status


def _word(id: UUID, window: int) -> str:
    """The match word, the same as on the cashier's screen."""
    return match_word(*model.match_word(id, window), locale())


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
