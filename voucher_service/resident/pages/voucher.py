"""One voucher: its code at the till, its receipt once redeemed, or how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, render_template

from voucher_service.i18n.match_words import match_word
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import VoucherId
from voucher_service.redemption import service as redemption
from voucher_service.vouchers import model
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import Code
from voucher_service.vouchers.model import Status, Voucher
from voucher_service.web import qr
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.site import core, now

pages = Blueprint("voucher", __name__)
_CODES = 4  # two minutes without network


@pages.get("/vouchers/<uuid:id>")
def show(id: UUID) -> str:
    """The page to show at the till; it turns to the receipt once the voucher is redeemed."""
    caller = actor()
    found = vouchers.get(core(), actor=caller, voucher=VoucherId(id))
    status = found.shown_status(now())
    if status is Status.CLAIMED:
        return _at_the_till(caller, found)
    if status is Status.REDEEMED:
        return _receipt(caller, found)
    return render_template("resident/ended.html", voucher=found, status=status)


@pages.get("/vouchers/<uuid:id>/status.json")
def status(id: UUID) -> Response:
    """Where the voucher stands, for a page that waits for the till."""
    found = vouchers.get(core(), actor=actor(), voucher=VoucherId(id))
    return jsonify(status=str(found.shown_status(now())))


@pages.get("/vouchers/<uuid:id>/codes.json")
def codes(id: UUID) -> Response:
    """This code and the next ones, drawn, for a page that changes them by itself.

    Answers 409 or 410 when the voucher can't be used any more.
    """
    found, instant, made = vouchers.codes(
        core(), actor=actor(), voucher=VoucherId(id), count=_CODES
    )
    return jsonify(now_ms=_milliseconds(instant), codes=[_shown(found, one) for one in made])


def _at_the_till(caller: Actor, voucher: Voucher) -> str:
    _, instant, (code,) = vouchers.codes(core(), actor=caller, voucher=voucher.id)
    seconds = core().settings.till.code_window_seconds
    left = max(1, round((code.valid_until - instant).total_seconds()))
    return render_template(
        "resident/voucher.html",
        voucher=voucher,
        drawing=qr.draw(code.text),
        word=_word(voucher, code.window),
        left=left,
        seconds=seconds,
        minutes=_CODES * seconds // 60,
        stopped=redemption.stopped(core(), offer=voucher.offer),
    )


def _receipt(caller: Actor, voucher: Voucher) -> str:
    found = redemption.receipt(core(), actor=caller, voucher=voucher.id)
    return render_template(
        "resident/receipt.html",
        voucher=voucher,
        redemption=found[0] if found else None,
        word=_word(voucher, found[0].code_window) if found else "",
    )


def _shown(voucher: Voucher, code: Code) -> dict[str, Any]:
    drawing = qr.draw(code.text)
    return {
        "from_ms": _milliseconds(code.valid_from),
        "until_ms": _milliseconds(code.valid_until),
        "word": _word(voucher, code.window),
        "size": drawing.size,
        "path": drawing.path,
    }


def _word(voucher: Voucher, window: int) -> str:
    return match_word(*model.match_word(voucher.id, window), locale())


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
