"""One voucher: its code at the till, the order it is locked for, its receipts, or how it ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from voucher_service.campaigns.model import OfferKind
from voucher_service.i18n import formats
from voucher_service.i18n.match_words import match_word
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId, VoucherId
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption
from voucher_service.redemption.model import Status as Stage
from voucher_service.redemption.refund_words import fate_in_words
from voucher_service.redemption.refunds import Refund
from voucher_service.redemption.watching import Glance, glance
from voucher_service.vouchers import model, short_code
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import Code
from voucher_service.vouchers.model import Status, Voucher
from voucher_service.vouchers.service.reading import PAPER_WINDOW
from voucher_service.web import qr
from voucher_service.web.auth import actor
from voucher_service.web.language import _, locale
from voucher_service.web.site import core, now, today

pages = Blueprint("voucher", __name__)
_CODES = 4  # two minutes without network
_FRESH = timedelta(minutes=10)  # what happened at the till since then is told on the code's page


@pages.get("/vouchers/<uuid:id>")
def show(id: UUID) -> str:
    """The page to show at the till; it turns to the receipt once the voucher is redeemed.

    `?part=` shows the receipt of one order of a voucher that is spent bit by bit.
    """
    caller = actor()
    found, latest = _standing(caller, id)
    if "part" in request.args:
        return _receipt(caller, found, latest, request.args["part"])
    status = found.shown_status(now())
    if status is Status.FROZEN and latest is not None and latest.status is Stage.FROZEN:
        return _frozen(found, latest)
    if status is Status.CLAIMED and found.valid_from <= now():
        return _at_the_till(caller, found, latest)
    if status in (Status.REDEEMED, Status.CLAIMED):  # used, or theirs again from tomorrow
        return _receipt(caller, found, latest)
    return render_template("resident/ended.html", voucher=found, status=status)


@pages.get("/vouchers/<uuid:id>/status.json")
def status(id: UUID) -> Response:
    """Where the voucher stands, for a page that waits for the till: another `mark` than its own
    means that `page` shows something else now.
    """
    seen = glance(core(), actor=actor(), voucher=VoucherId(id))
    over = seen.standing is Status.CLAIMED and now() >= seen.valid_until
    return jsonify(
        status=str(Status.EXPIRED if over else seen.standing), mark=seen.mark, page=_page(id, seen)
    )


@pages.post("/vouchers/<uuid:id>/redemptions/<uuid:redemption_id>/release")
def release(id: UUID, redemption_id: UUID) -> Answer:
    """It isn't me: this order lets the voucher go. What was redeemed before stays redeemed."""
    redemption.release(core(), actor=actor(), redemption=RedemptionId(redemption_id))
    return redirect(url_for("voucher.show", id=id), 303)


@pages.get("/vouchers/<uuid:id>/codes.json")
def codes(id: UUID) -> Response:
    """This code and the next ones, drawn, for a page that changes them by itself.

    Answers 409 or 410 when the voucher can't be used any more.
    """
    found, instant, made = redemption.codes(
        core(), actor=actor(), voucher=VoucherId(id), count=_CODES
    )
    return jsonify(now_ms=_milliseconds(instant), codes=[_shown(found, one) for one in made])


def _standing(caller: Actor, id: UUID) -> tuple[Voucher, Redemption | None]:
    """The voucher and what happened to it last at a till."""
    latest = redemption.on_screen(core(), actor=caller, voucher=VoucherId(id))
    return vouchers.get(core(), actor=caller, voucher=VoucherId(id)), latest


def _mark(voucher: Voucher, latest: Redemption | None) -> str:
    return Glance.of(voucher.status, voucher.valid_until, latest).mark


def _page(id: UUID, seen: Glance) -> str:
    """Where the voucher's page is now: the receipt of what was just spent of it comes first, unless
    some of that went back since.
    """
    spent = seen.stage is Stage.COMMITTED and not seen.refunded
    if spent and seen.standing is not Status.REDEEMED:
        return url_for("voucher.show", id=id, part=seen.redemption)
    return url_for("voucher.show", id=id)


def _at_the_till(caller: Actor, voucher: Voucher, latest: Redemption | None) -> str:
    _, instant, (code,) = vouchers.codes(core(), actor=caller, voucher=voucher.id)
    seconds = core().settings.till.code_window_seconds
    left = max(1, round((code.valid_until - instant).total_seconds()))
    refunds = _refunds(caller, voucher, latest)
    return render_template(
        "resident/voucher.html",
        voucher=voucher,
        seen=_mark(voucher, latest),
        latest=latest,
        told=_told(latest),
        rest=_rest(voucher),
        refunds=refunds,
        refunded_now=bool(refunds) and now() - refunds[0][0].occurred_at <= _FRESH,
        drawing=qr.draw(code.text),
        word=_word(voucher, code.window),
        short=short_code.grouped(code.short),
        left=left,
        seconds=seconds,
        minutes=_CODES * seconds // 60,
        stopped=redemption.stopped(core(), offer=voucher.offer),
    )


def _told(latest: Redemption | None) -> Stage | None:
    """What a till did with the voucher a moment ago, when it is whole or partly theirs again."""
    if latest is None or now() - latest.occurred_at > _FRESH:
        return None
    return latest.status


def _frozen(voucher: Voucher, latest: Redemption) -> str:
    assert latest.freeze_expires_at is not None
    return render_template(
        "resident/frozen.html",
        voucher=voucher,
        redemption=latest,
        seen=_mark(voucher, latest),
        word=_word(voucher, latest.code_window),
        left=max(0, round((latest.freeze_expires_at - now()).total_seconds())),
        seconds=core().settings.till.freeze_seconds,
    )


def _receipt(
    caller: Actor, voucher: Voucher, latest: Redemption | None, part: str | None = None
) -> str:
    """Raises NoSuchThing when there is no such part."""
    found = redemption.receipt(core(), actor=caller, voucher=voucher.id)
    chosen = next((one for one in found if part in (None, str(one.id))), None)
    if part is not None and chosen is None:
        raise NoSuchThing
    return render_template(
        "resident/receipt.html",
        voucher=voucher,
        redemption=chosen,
        parts=found,
        refunds=_refunds(caller, voucher, chosen),
        seen=_mark(voucher, latest),
        fresh=_told(chosen) is not None,
        rest=_rest(voucher) if voucher.shown_status(now()) is Status.CLAIMED else "",
        word=_word(voucher, chosen.code_window) if chosen else "",
    )


def _refunds(caller: Actor, voucher: Voucher, order: Redemption | None) -> list[tuple[Refund, str]]:
    """What was given back of an order, newest first; the newest says what became of the voucher,
    while that is so.
    """
    found = redemption.refunds_of_voucher(core(), actor=caller, voucher=voucher.id)
    mine = [one for one in found if order is not None and one.redemption_id == order.id]
    return [(one, "" if i else _fate(one, voucher)) for i, one in enumerate(mine)]


def _fate(refund: Refund, voucher: Voucher) -> str:
    after = refund.voucher_status
    if after is not voucher.shown_status(now()):
        return ""
    return fate_in_words(
        refund.fate, after, refund.valid_from, refund.valid_until, locale(), today()
    )


def _rest(voucher: Voucher) -> str:
    """What is left of a voucher that is spent bit by bit; nothing to say of others."""
    left = voucher.face_value - voucher.spent
    if voucher.offer.kind is OfferKind.PACK:
        return _("还剩 {n} 张", n=left.fen // voucher.offer.face_value.fen)
    if voucher.offer.kind is OfferKind.BALANCE:
        return _("余额 {sum}", sum=formats.money(left))
    return ""


def _shown(voucher: Voucher, code: Code) -> dict[str, Any]:
    drawing = qr.draw(code.text)
    return {
        "from_ms": _milliseconds(code.valid_from),
        "until_ms": _milliseconds(code.valid_until),
        "word": _word(voucher, code.window),
        "short": short_code.grouped(code.short),
        "size": drawing.size,
        "path": drawing.path,
    }


def _word(voucher: Voucher, window: int) -> str:
    """The match word; none for a code on paper."""
    if window == PAPER_WINDOW:
        return ""
    return match_word(*model.match_word(voucher.id, window), locale())


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
