"""Subsidised sales of the shop: what papers are missing, what is held and why, days to cash."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, g, redirect, render_template, request
from marshmallow import ValidationError

from merchant_portal.api import sales as calls
from merchant_portal.sale_schemas import ProofForm, SalesArgs
from voucher_service.i18n import mark
from voucher_service.infra import files
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.tradein import words as policy_words
from voucher_service.tradein.review import service, words
from voucher_service.tradein.review.model import ProofKind, ReviewStatus
from voucher_service.tradein.review.service import Filter
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale
from voucher_service.web.site import core, now

from .apply import served

sales = Blueprint("sales", __name__, url_prefix="/sales")
handing_in = Blueprint("proofs", __name__, url_prefix="/sales")

_BESIDE_FILE_BYTES = 65_536
FILTERS = {
    Filter.TODO: mark("待交材料"),
    Filter.REFUSED: mark("不予付款"),
    Filter.WAITING: mark("等审核"),
    Filter.RELEASED: mark("可以付款"),
    Filter.ALL: mark("全部"),
}
BADGES = {
    ReviewStatus.COLLECTING: "warn",
    ReviewStatus.COMPLETE: "wait",
    ReviewStatus.BATCHED: "wait",
    ReviewStatus.RELEASED: "ok",
    ReviewStatus.REFUSED: "stop",
    ReviewStatus.UNDONE: "",
}


def install(app: Flask) -> None:
    """Let papers through, which are larger than other requests; other pages remind of them."""
    limit = app.extensions["voucher"].core.settings.onboarding.file_limit_bytes
    app.jinja_env.globals["sales_wanting"] = wanting
    uploads.let_through(app, {handing_in.name})
    uploads.let_through(app, {calls.handing_in.name}, most_bytes=limit + _BESIDE_FILE_BYTES)


def wanting() -> int:
    """How many sales of the caller's shop lack papers, asked for once a request."""
    if "sales_wanting" not in g:
        g.sales_wanting = service.wanting(core(), actor=actor())
    found: int = g.sales_wanting
    return found


@sales.get("")
def show_all() -> str:
    """Sales by how far they are; those that lack papers unless told."""
    asked = {"show": Filter.TODO.value} | request.args.to_dict()
    try:
        args = SalesArgs().load(asked)
    except ValidationError:
        args = SalesArgs().load({"show": Filter.TODO.value})
    return render_template(
        "merchant/sales.html",
        page=service.mine(core(), actor=actor(), **args),
        show=args["which"],
        filters=FILTERS,
        wanting=wanting(),
        times=service.own_cash_times(core(), actor=actor()),
        **_words(),
    )


@sales.get("/<uuid:sale>")
def show(sale: UUID) -> str:
    """One sale: its papers, what is missing, what was said of it."""
    return _page(sale, forms.Form())


@sales.get("/<uuid:sale>/evidence/<kind>")
def proof(sale: UUID, kind: str) -> Response:
    """A paper as it was kept."""
    if kind not in set(ProofKind):
        raise NoSuchThing
    id = RedemptionId(sale)
    return served(service.own_proof(core(), actor=actor(), sale=id, kind=ProofKind(kind)), kind)


@handing_in.post("/<uuid:sale>/evidence")
def hand_in(sale: UUID) -> Any:
    """Keep one paper."""
    service.own(core(), actor=actor(), sale=RedemptionId(sale))  # before anything is read
    form = forms.read(ProofForm)
    most = core().settings.onboarding.file_limit_bytes
    sent = uploads.sent(form, "file", most_bytes=most)
    if not form.ok:
        return _page(sale, form), 422
    try:
        service.hand_in(
            core(),
            actor=actor(),
            sale=RedemptionId(sale),
            kind=ProofKind(form.values["kind"]),
            received=files.received(sent, most_bytes=most),
            number=form.values["number"],
        )
    except DomainError as error:
        form.refuse(error)
        return _page(sale, form), status_of(error)
    return redirect(f"/sales/{sale}", 303)


@sales.post("/<uuid:sale>/answer")
def answer(sale: UUID) -> Any:
    """Ask for another look."""
    try:
        service.answer(core(), actor=actor(), sale=RedemptionId(sale))
    except NoSuchThing:
        raise
    except DomainError as error:
        form = forms.Form()
        form.refuse(error)
        return _page(sale, form), status_of(error)
    return redirect(f"/sales/{sale}", 303)


def _page(sale: UUID, form: forms.Form) -> str:
    found = service.own(core(), actor=actor(), sale=RedemptionId(sale))
    return render_template(
        "merchant/sale.html",
        one=found,
        form=form,
        editable=found.editable(now()),
        late=found.late(now()),
        **_words(),
    )


def _words() -> dict[str, Any]:
    """What the templates say about papers."""
    return {
        "review_status": lambda word: words.status(word, locale()),
        "review_badge": lambda word: BADGES[word],
        "proof_name": lambda kind: words.proof(kind, locale()),
        "proof_note": lambda kind: words.note(kind, locale()),
        "category_name": lambda word: policy_words.label(word, locale()),
    }
