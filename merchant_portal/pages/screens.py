"""The screens that several addresses show: the first one, and the amount."""

from __future__ import annotations

import secrets

from flask import render_template

from merchant_portal.schemas import seen
from voucher_service.i18n.match_words import match_word as in_words
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption
from voucher_service.redemption.preview import preview
from voucher_service.stops import service as stops
from voucher_service.stops.model import Scope, What
from voucher_service.vouchers.model import match_word
from voucher_service.web.auth import actor
from voucher_service.web.forms import Form
from voucher_service.web.language import _, locale
from voucher_service.web.site import core, now, today


def first_screen(form: Form) -> str:
    """Whose till it is, today in three figures, and the box for a code."""
    return render_template(
        "merchant/till.html",
        form=form,
        desk=merchants.desk(core(), actor=actor()),
        totals=redemption.summary(core(), actor=actor(), day=today()),
        stopped=_stopped(),
    )


def _stopped() -> str:
    """The names of what can't be redeemed anywhere for now."""
    with core().transaction() as session:
        found = stops.in_force(session, what=What.REDEMPTIONS)
    names = [one.title or _("所有券") for one in found if one.scope is not Scope.MERCHANT]
    return _("、").join(names)


def amount_screen(form: Form) -> str:
    """The voucher that was scanned, and the pad. Raises what `preview` raises."""
    code = seen(form.typed["code"]).upper()
    shown = preview(core(), actor=actor(), code=code)
    return render_template(
        "merchant/amount.html",
        form=form,
        code=code,
        voucher=shown.voucher,
        offer=shown.voucher.offer,
        discount=shown.discount,
        word=in_words(*match_word(shown.voucher.id, shown.code_window), locale()),
        made_reference=form.typed.get("made_reference") or new_reference(),
    )


def word_of(done: Redemption) -> str:
    """The match word of a redemption: the one on the resident's screen."""
    return in_words(*match_word(done.voucher_id, done.code_window), locale())


def new_reference() -> str:
    """An order reference for a bill without one: this second, and four random digits."""
    return f"{now().astimezone(SHANGHAI):%y%m%d%H%M%S}{secrets.randbelow(10_000):04d}"
