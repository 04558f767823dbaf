"""The screens that several addresses show: the first one, the amount, and where an order stands."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from flask import render_template

from merchant_portal.bills import order_of
from merchant_portal.schemas import seen
from merchant_portal.standing import may_redeem
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns import wording
from voucher_service.campaigns.model import Offer, OfferKind
from voucher_service.i18n import formats, mark
from voucher_service.i18n.match_words import match_word as in_words
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption, Status, Tombstone
from voucher_service.redemption.preview import SalePreview, preview, quote
from voucher_service.stops import service as stops
from voucher_service.stops.model import Scope, What
from voucher_service.tradein import words
from voucher_service.tradein.policy import Category
from voucher_service.vouchers.model import Voucher, match_word
from voucher_service.vouchers.service.reading import PAPER_WINDOW
from voucher_service.web.auth import actor
from voucher_service.web.forms import Form
from voucher_service.web.language import _, locale
from voucher_service.web.site import core, now, today

# What stands under the sum on the ticket where it is more than a threshold.
_UNDER_FACE = {
    OfferKind.THRESHOLD: "",
    OfferKind.FIXED: "",
    OfferKind.PERCENT_CAPPED: mark("最多减"),
    OfferKind.PACK: "",
    OfferKind.BALANCE: mark("余额"),
}
_SIMPLE = frozenset({OfferKind.THRESHOLD, OfferKind.FIXED})


def first_screen(form: Form) -> str:
    """Whose till it is, today in three figures, the camera, and the box for a code."""
    return render_template(
        "merchant/till.html",
        form=form,
        desk=merchants.desk(core(), actor=actor()),
        totals=redemption.summary(core(), actor=actor(), day=today()),
        stopped=_stopped(),
        enrolled=may_redeem(),
    )


def _stopped() -> str:
    """The names of what can't be redeemed anywhere for now."""
    with core().transaction() as session:
        found = stops.in_force(session, what=What.REDEMPTIONS)
    names = [one.title or _("所有券") for one in found if one.scope is not Scope.MERCHANT]
    return _("、").join(names)


def amount_screen(form: Form) -> str:
    """The voucher that was scanned, and the pad; or the qualification, and its unit's numbers.

    Raises what `preview` raises.
    """
    code = seen(form.typed["code"]).upper()
    shown = preview(core(), actor=actor(), code=code)
    if isinstance(shown, SalePreview):
        return _unit_screen(form, code, shown)
    voucher, offer = shown.voucher, shown.voucher.offer
    most = min(offer.face_value, voucher.face_value - voucher.spent)
    return render_template(
        "merchant/amount.html",
        form=form,
        code=code,
        voucher=voucher,
        offer=offer,
        most=most,
        rule=_UNDER_FACE[offer.kind] and _(_UNDER_FACE[offer.kind]),
        worth=wording.benefit(offer, locale()),
        remaining=_remaining(voucher),
        excluded=[(str(one), wording.goods([one], locale())) for one in offer.excluded_items],
        two_steps=not in_one_step(offer),
        paper=shown.code_window == PAPER_WINDOW,
        word=_word(voucher.id, shown.code_window),
        made_reference=form.typed.get("made_reference") or new_reference(),
    )


def _unit_screen(form: Form, code: str, shown: SalePreview) -> str:
    found = shown.qualification
    return render_template(
        "merchant/unit.html",
        form=form,
        code=code,
        qualification=found,
        label=words.label(found.category, locale()),
        phone=found.category is Category.PHONE,
        word=_word(found.id, shown.code_window),
        made_reference=form.typed.get("made_reference") or new_reference(),
    )


def quote_screen(form: Form) -> str:
    """What a unit gets and what is to pay, before it is locked; a voucher's code gets its pad.

    Raises what `quote` raises.
    """
    order = order_of(form.values)
    quoted = quote(core(), actor=actor(), code=form.values["code"], order=order)
    if quoted.sold is None:
        return amount_screen(form)
    return render_template(
        "merchant/unit_quote.html",
        form=form,
        quoted=quoted,
        order=order,
        label=words.label(quoted.sold.case.category, locale()),
        steps=[(words.step(one, locale()), one.amount) for one in quoted.steps],
        made_reference=form.values["made_reference"],
    )


def in_one_step(offer: Offer) -> bool:
    """Whether our page redeems at once: a simple voucher of little worth. Others are frozen while
    the customer pays.
    """
    return offer.kind in _SIMPLE and offer.face_value.fen <= core().settings.till.one_step_fen


def _remaining(voucher: Voucher) -> str:
    """What is left of a voucher that is spent bit by bit."""
    left = voucher.face_value - voucher.spent
    if voucher.offer.kind is OfferKind.PACK:
        return _("还剩 {n} 张", n=left.fen // voucher.offer.face_value.fen)
    if voucher.offer.kind is OfferKind.BALANCE:
        return _("余额 {sum}", sum=formats.money(left))
    return ""


def order_screen(done: Redemption) -> str:
    """Frozen, redeemed or over: each has its screen."""
    status = state(done)
    if status is Status.FROZEN:
        assert done.freeze_expires_at is not None
        return render_template(
            "merchant/frozen.html",
            done=done,
            word=_word(done.claimed, done.code_window),
            left=round((done.freeze_expires_at - now()).total_seconds()),
            seconds=core().settings.till.freeze_seconds,
        )
    if status is Status.COMMITTED:
        back = done.refunded and redemption.given_back(core(), actor=actor(), redemption=done.id)
        return render_template(
            "merchant/receipt.html",
            done=done,
            back=back,
            tense="back" if back else "now" if _reversible(done) else "later",
            word=_word(done.claimed, done.code_window),
            another=_takes_another(done),
            reversible=_reversible(done),
        )
    return ended_screen(done, status)


def ended_screen(done: Redemption | Tombstone, status: Status = Status.REFUSED) -> str:
    """An order that came to nothing."""
    return render_template("merchant/ended.html", done=done, status=status)


def state(done: Redemption) -> Status:
    """Where an order stands to whoever looks: a freeze past its end is over, swept or not."""
    over = done.freeze_expires_at is not None and done.freeze_expires_at <= now()
    return Status.LAPSED if done.status is Status.FROZEN and over else done.status


def _takes_another(done: Redemption) -> bool:
    """Whether its offer goes together with other vouchers on one receipt; the command judges."""
    if done.ticket_reference is None or done.sale is not None:
        return False
    with core().transaction() as session:
        offers = campaigns.terms(session, offers={done.offer_id})
    return offers[done.offer_id].stack_limit > 1


def _reversible(done: Redemption) -> bool:
    """Whether a reversal may still work; the command judges."""
    until = done.occurred_at + timedelta(minutes=core().settings.till.reversal_minutes)
    return now() < until and not done.refunded


def no_order_screen(reference: str) -> str:
    """Nobody here knows the order."""
    return render_template("merchant/no_order.html", reference=reference, form=Form())


def _word(claimed: UUID, window: int) -> str:
    """The match word: the one on the resident's screen; none on paper, which shows none."""
    return "" if window == PAPER_WINDOW else in_words(*match_word(claimed, window), locale())


def new_reference() -> str:
    """An order reference for a bill without one: this second, and four random digits."""
    return f"{now().astimezone(SHANGHAI):%y%m%d%H%M%S}{secrets.randbelow(10_000):04d}"
