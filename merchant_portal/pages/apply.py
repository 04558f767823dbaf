"""Become a merchant: an account, a form in five parts that saves as it goes, and how it stands."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template
from werkzeug.wrappers import Response as Answer

from merchant_portal import apply_schemas as schemas
from voucher_service.identity.model import TooManyRequests
from voucher_service.infra import areas, files
from voucher_service.kernel.errors import DomainError
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.merchants.onboarding import (
    COMMITMENT,
    DocumentKind,
    MerchantApplication,
    Step,
)
from voucher_service.merchants.service import applying
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor, actor_or_none, issue, start_session
from voucher_service.web.errors import status_of
from voucher_service.web.evidence import evidence
from voucher_service.web.face import Face
from voucher_service.web.language import locale
from voucher_service.web.limits import limits_of
from voucher_service.web.site import core

door = Blueprint("apply", __name__, url_prefix="/apply")
steps = Blueprint("applying", __name__, url_prefix="/apply")
handing_in = Blueprint("handing_in", __name__, url_prefix="/apply")

_NEXT = {
    Step.BUSINESS: "/apply/shops",
    Step.SHOPS: "/apply/account",
    Step.ACCOUNT: "/apply/documents",
    Step.DOCUMENTS: "/apply/commitment",
}


@door.get("")
def welcome() -> Any:
    """What it takes, and the form that begins; whoever is signed in goes on."""
    caller = actor_or_none()
    if caller is not None:
        return redirect("/" if caller.roles else "/apply/status", 303)
    return render_template("merchant/apply.html", form=forms.Form())


@door.post("")
def begin() -> Any:
    """Open an account, and go on signed in."""
    form = forms.read(schemas.BeginForm)
    status = 422
    if form.ok:
        try:
            _not_too_often()
            made = applying.begin(core(), **form.values)
        except DomainError as error:
            schemas.refuse(form, error)
            status = status_of(error)
        else:
            response = make_response(redirect("/apply/business", 303))
            return start_session(response, issue(core(), Face.MERCHANT, made))
    return render_template("merchant/apply.html", form=form), status


@steps.get("/status")
def status() -> str:
    """How far it is, and what is to be corrected."""
    return render_template("merchant/apply_status.html", application=_mine(), steps=list(Step))


@steps.get("/business")
def business() -> str:
    """The licence."""
    return _business(forms.Form())


@steps.post("/business")
def save_business() -> Any:
    """Keep it."""
    form = forms.read(schemas.BusinessForm)
    if form.ok:
        told = form.values | {"size_class": SizeClass(form.values["size_class"])}
        try:
            applying.save_business(core(), actor=actor(), **told)
        except DomainError as error:
            return _business(schemas.refuse(form, error)), status_of(error)
        return _on(Step.BUSINESS)
    return _business(form), 422


@steps.get("/shops")
def shops() -> str:
    """The shops so far, and a form for one more."""
    return _shops(forms.Form())


@steps.post("/shops")
def add_shop() -> Any:
    """Keep one more."""
    form = forms.read(schemas.ShopForm)
    if form.ok:
        try:
            applying.add_shop(core(), actor=actor(), **form.values)
        except DomainError as error:
            return _shops(schemas.refuse(form, error)), status_of(error)
        return redirect("/apply/shops", 303)
    return _shops(form), 422


@steps.post("/shops/remove")
def remove_shop() -> Answer:
    """Forget one."""
    form = forms.read(schemas.RemoveForm)
    if form.ok:
        applying.remove_shop(core(), actor=actor(), number=form.values["number"])
    return redirect("/apply/shops", 303)


@steps.get("/account")
def account() -> str:
    """Where the money goes."""
    return _account(forms.Form())


@steps.post("/account")
def save_account() -> Any:
    """Keep it."""
    form = forms.read(schemas.AccountForm)
    if form.ok:
        try:
            applying.save_account(core(), actor=actor(), **form.values)
        except DomainError as error:
            return _account(schemas.refuse(form, error)), status_of(error)
        return _on(Step.ACCOUNT)
    return _account(form), 422


@steps.get("/documents")
def documents() -> str:
    """What was handed in, and what is missing."""
    return _documents(forms.Form())


@steps.get("/documents/<any(licence, storefront, certificate):kind>")
def document(kind: str) -> Response:
    """A file as it was kept."""
    return served(applying.own_document(core(), actor=actor(), kind=DocumentKind(kind)), kind)


@handing_in.post("/documents")
def hand_in() -> Any:
    """Keep one file."""
    form = forms.read(schemas.DocumentForm)
    most = core().settings.onboarding.file_limit_bytes
    sent = uploads.sent(form, "file", most_bytes=most)
    if form.ok:
        try:
            content = files.clean(sent, most_bytes=most)
            kind = DocumentKind(form.values["kind"])
            applying.hand_in(core(), actor=actor(), kind=kind, content=content)
        except DomainError as error:
            return _documents(schemas.refuse(form, error)), status_of(error)
        return redirect("/apply/documents", 303)
    return _documents(form), 422


@steps.get("/commitment")
def commitment() -> str:
    """The letter."""
    return _commitment(forms.Form())


@steps.post("/commitment")
def submit() -> Any:
    """Agree, and hand everything in."""
    form = forms.read(schemas.CommitmentForm)
    if form.ok:
        try:
            applying.submit(core(), actor=actor(), commitment=form.values["commitment"])
        except DomainError as error:
            return _commitment(schemas.refuse(form, error)), status_of(error)
        return redirect("/apply/status", 303)
    return _commitment(form), 422


def served(content: files.Content, name: str) -> Response:
    """A file: pictures are shown, a PDF is only ever saved, since it may hold a script."""
    response = Response(content.data, mimetype=content.media_type)
    how = "attachment" if content.media_type == files.PDF else "inline"
    ending = "pdf" if content.media_type == files.PDF else "jpg"
    response.headers["Content-Disposition"] = f'{how}; filename="{name}.{ending}"'
    return response


def _mine() -> MerchantApplication:
    return applying.mine(core(), actor=actor())


def _business(form: forms.Form) -> str:
    application = _mine()
    known = application.business
    if known and not form.typed:
        form.typed = {"name": known.name, "uscc": known.uscc, "size_class": str(known.size_class)}
    sizes = schemas.labels(SizeClass)
    return _page("business", form, application, sizes=sizes)


def _shops(form: forms.Form) -> str:
    return _page(
        "shops",
        form,
        _mine(),
        areas=schemas.area_choices(),
        trades=schemas.labels(Trade),
        area_name=lambda code: areas.name(code, locale()),
    )


def _account(form: forms.Form) -> str:
    application = _mine()
    known = application.account
    if known and not form.typed:
        form.typed = {"kind": str(known.kind), "bank": known.bank, "cnaps": known.cnaps}
        if known.kind is AccountKind.CORPORATE:
            form.typed["name"] = known.name
    return _page("account", form, application, kinds=list(AccountKind))


def _documents(form: forms.Form) -> str:
    return _page("documents", form, _mine(), kinds=list(DocumentKind))


def _commitment(form: forms.Form) -> str:
    return _page("commitment", form, _mine(), version=COMMITMENT)


def _page(step: str, form: forms.Form, application: MerchantApplication, **more: Any) -> str:
    """One part; its number typed before is never shown again."""
    for hidden in ("number", "password"):
        form.typed.pop(hidden, None)
    return render_template(
        f"merchant/apply_{step}.html", form=form, application=application, step=step, **more
    )


def _on(step: Step) -> Answer:
    return redirect("/apply/status" if _mine().findings else _NEXT[step], 303)


def _not_too_often() -> None:
    """An account costs a message and a password hash: counted with one-time codes.

    Raises TooManyRequests.
    """
    where = evidence()
    seconds = limits_of(core()).check_codes(where.device_id, where.address_prefix)
    if seconds is not None:
        raise TooManyRequests(retry_after_seconds=seconds, seconds=seconds)
