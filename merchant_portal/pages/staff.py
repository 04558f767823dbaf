"""The people of a merchant, on its manager's desk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from merchant_portal.desk_schemas import MoveSchema, NewPersonSchema, PasswordSchema, PeopleArgs
from voucher_service.i18n import mark
from voucher_service.identity.documents import Document
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError, NotFound
from voucher_service.kernel.ids import CashierId, ShopId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import CashierStatus, Shop, ShopStatus
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.language import _
from voucher_service.web.site import core

blueprint = Blueprint("staff", __name__, url_prefix="/staff")

ROLES = {Role.CASHIER: mark("收银员"), Role.MANAGER: mark("店长")}
DOCUMENTS = {
    Document.RESIDENT_ID: mark("居民身份证"),
    Document.HK_MACAO_PERMIT: mark("港澳居民来往内地通行证"),
    Document.TAIWAN_PERMIT: mark("台湾居民来往大陆通行证"),
    Document.FOREIGN_PERMANENT: mark("外国人永久居留身份证"),
    Document.PASSPORT: mark("护照"),
}


@blueprint.get("")
def show_all() -> str:
    """Who works here: of one shop (`?shop=`) or all, in force or closed (`?status=closed`)."""
    try:
        args = PeopleArgs().load(request.args.to_dict())
    except ValidationError:
        args = PeopleArgs().load({})
    page = merchants.people(
        core(), actor=actor(), **args | {"status": CashierStatus(args["status"])}
    )
    return render_template(
        "merchant/desk/staff.html", page=page, args=args, shops=_shops(), roles=ROLES
    )


@blueprint.get("/new")
def ask() -> str:
    """The form for an account."""
    return _new(forms.Form())


@blueprint.post("/new")
def add() -> Response | tuple[str, int]:
    """Open an account."""
    form, status = forms.read(NewPersonSchema), 422
    if form.ok:
        values = form.values
        named = {
            "role": Role(values["role"]),
            "document": Document(values["document"]),
            "shop": ShopId(values["shop"]),
        }
        try:
            made = merchants.create_cashier(core(), actor=actor(), **values | named)
        except NotFound:  # somebody else's shop is no mistake in a form
            raise
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/staff/{made.id}", 303)
    return _new(form), status


@blueprint.get("/<uuid:cashier>")
def show(cashier: UUID) -> str:
    """One of them."""
    return _page(cashier, forms.Form())


@blueprint.post("/<uuid:cashier>/password")
def reset_password(cashier: UUID) -> Response | tuple[str, int]:
    """Another password for somebody; their sessions end."""
    form = forms.read(PasswordSchema)
    return _done(
        cashier,
        form,
        lambda: merchants.reset_password(
            core(), actor=actor(), cashier=CashierId(cashier), **form.values
        ),
    )


@blueprint.post("/<uuid:cashier>/move")
def move(cashier: UUID) -> Response | tuple[str, int]:
    """Let somebody work at another shop."""
    form = forms.read(MoveSchema)
    return _done(
        cashier,
        form,
        lambda: merchants.move_cashier(
            core(), actor=actor(), cashier=CashierId(cashier), shop=ShopId(form.values["shop"])
        ),
    )


@blueprint.post("/<uuid:cashier>/close")
def close(cashier: UUID) -> Response | tuple[str, int]:
    """Close somebody's account for good."""
    return _done(
        cashier,
        forms.Form(),
        lambda: merchants.close_cashier(core(), actor=actor(), cashier=CashierId(cashier)),
    )


def _done(cashier: UUID, form: forms.Form, act: Any) -> Response | tuple[str, int]:
    if not form.ok:
        return _page(cashier, form), 422
    try:
        act()
    except DomainError as error:
        form.refuse(error)
        return _page(cashier, form), status_of(error)
    return redirect(f"/staff/{cashier}", 303)


def _shops() -> list[Shop]:
    return merchants.own_shops(core(), actor=actor())


def shop_choices(own: UUID | None = None) -> list[tuple[UUID, str]]:
    """The shops in business that somebody can be sent to, as a form offers them."""
    return [
        (one.id, one.name) for one in _shops() if one.status is ShopStatus.ACTIVE or one.id == own
    ]


def _new(form: forms.Form) -> str:
    return render_template(
        "merchant/desk/staff_new.html",
        form=form,
        shops=shop_choices(),
        shop=request.args.get("shop", ""),
        roles=[(str(role), _(words), None) for role, words in ROLES.items()],
        documents=[(str(one), _(words)) for one, words in DOCUMENTS.items()],
    )


def _page(cashier: UUID, form: forms.Form) -> str:
    found = merchants.person(core(), actor=actor(), cashier=CashierId(cashier))
    return render_template(
        "merchant/desk/staff_one.html",
        person=found,
        form=form,
        roles=ROLES,
        shops=shop_choices(found.cashier.shop_id),
        me=found.cashier.id == actor().id,
    )
