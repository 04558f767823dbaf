"""The real name, given once."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from marshmallow import fields

from voucher_service.i18n import sentence
from voucher_service.identity import service as identity
from voucher_service.identity.model import IdentityMismatch, IdNumberInvalid, NameInvalid
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.language import _, local_path, locale
from voucher_service.web.site import core

from .. import consent
from ..people import resident_id
from ..schemas import IdentitySchema

pages = Blueprint("identity", __name__)
_FIELDS: dict[type[DomainError], str] = {
    NameInvalid: "name",
    IdentityMismatch: "id_number",
    IdNumberInvalid: "id_number",
}


class IdentityForm(IdentitySchema):
    """The page's form: the box below the consent has to be ticked."""

    agreed = fields.Boolean(load_default=False)


@pages.get("/identity")
def show() -> str:
    """The form, or what is known."""
    return _page(forms.Form())


@pages.post("/identity")
def give() -> Response | tuple[str, int]:
    """Verify, then go on where the reader was."""
    form = forms.read(IdentityForm)
    if not form.values.pop("agreed", False) and not form.errors:
        form.errors["agreed"] = _("请看过授权书，勾选同意后再提交。")
    if form.ok:
        try:
            identity.verify_identity(core(), actor=actor(), **form.values)
            return make_response(redirect(local_path(request.form.get("next")), 303))
        except DomainError as refusal:
            field = _FIELDS.get(type(refusal))
            if field:
                form.errors[field] = sentence(refusal, locale())
            else:
                form.refuse(refusal)
    return _page(form), 422


def _page(form: forms.Form) -> str:
    return render_template(
        "resident/identity.html",
        form=form,
        card=identity.card(core(), resident=resident_id(actor())),
        next=local_path(request.values.get("next")),
        consent_version=consent.VERSION,
        consent=consent.PARAGRAPHS,
    )
