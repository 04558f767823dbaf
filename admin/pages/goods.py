"""The library of goods at the desk: search, one product with its prices, changes, suspicions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request

from admin import readings, staff
from admin.api.goods import TABLE_LIMIT_BYTES, download, number
from admin.forms import refuse
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval
from voucher_service.approvals.model import Status as Signing
from voucher_service.goods import service, words
from voucher_service.goods.categories import CATEGORIES, Category
from voucher_service.goods.model import GoodsFileInvalid, LibraryChangeId
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.errors import DomainError, NotAllowed
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

goods = Blueprint("goods_pages", __name__, url_prefix="/goods")
stocking = Blueprint("stocking_pages", __name__, url_prefix="/goods")

PAGE = 50
_MERCHANTS = 20
TOO_LARGE = mark("表格超过 24 MB。请分成几份传。")


class TableForm(Schema):
    """Nothing but the file."""


@goods.get("")
def search() -> str:
    """Products of today; `?q=` words of number or names, `?category=` one of them."""
    text, asked = request.args.get("q", "")[:80], request.args.get("category", "")
    category = Category(asked) if asked in set(Category) else None
    page = service.search(
        core(), text=text, category=category, cursor=request.args.get("cursor"), limit=PAGE
    )
    return render_template(
        "admin/goods.html",
        page=page,
        text=text,
        category=category,
        categories=[(str(one), gettext(name, locale())) for one, name in CATEGORIES.items()],
    )


@goods.get("/<gtin>")
def show(gtin: str) -> str:
    """One product: its versions, and who asked how much."""
    wanted = number(gtin)
    return render_template(
        "admin/goods_product.html",
        gtin=wanted,
        versions=service.versions(core(), gtin=wanted),
        page=service.history(
            core(),
            actor=actor(),
            gtin=wanted,
            cursor=request.args.get("cursor"),
            limit=_MERCHANTS,
        ),
        rule=service.rule(core()),
    )


@goods.get("/suspicions")
def suspicions() -> str:
    """Days that look like raise-then-cut."""
    return render_template(
        "admin/goods_suspicions.html",
        page=service.suspicions(
            core(), actor=actor(), cursor=request.args.get("cursor"), limit=PAGE
        ),
        rule=service.rule(core()),
    )


@goods.get("/library.<any(csv, xlsx):format_>")
def library(format_: str) -> Response:
    """The library as a file."""
    return download(format_)


@goods.get("/changes")
def changes() -> str:
    """Tables that were handed in, and the form for another one."""
    return _changes(forms.Form())


@goods.get("/changes/<uuid:change>")
def change(change: UUID) -> str:
    """One table, line by line against the library."""
    id = LibraryChangeId(change)
    found = service.change(core(), change=id)
    return render_template(
        "admin/goods_change.html",
        change=found,
        page=service.differences(core(), change=id, cursor=request.args.get("cursor"), limit=PAGE),
        names=staff.names([found.created_by]),
        waiting=approvals.latest(core(), actor=actor(), about=id, status=Signing.WAITING),
    )


@stocking.post("/changes")
def propose() -> Any:
    """Hand a table in."""
    if actor().area:
        raise NotAllowed
    form = forms.read(TableForm)
    content = uploads.sent(form, "table", most_bytes=TABLE_LIMIT_BYTES)
    if len(content) > TABLE_LIMIT_BYTES:
        form.errors["table"] = gettext(TOO_LARGE, locale())
    if not form.ok:
        return _changes(form), 422
    try:
        made = service.propose(
            core(), actor=actor(), file_name=uploads.name_of("table"), content=content
        )
    except DomainError as error:
        slips = error.slips if isinstance(error, GoodsFileInvalid) else ()
        wrong = [words.slip(one, locale()) for one in slips]
        return _changes(refuse(form, error), wrong), status_of(error)
    return redirect(f"/goods/changes/{made.id}", 303)


def _changes(form: forms.Form, wrong: list[tuple[str, str]] | None = None) -> str:
    return render_template(
        "admin/goods_changes.html",
        page=service.changes(core(), cursor=request.args.get("cursor"), limit=PAGE),
        form=form,
        wrong=wrong or [],
    )


def _reading(found: Approval) -> Mapping[str, Any]:
    """A change as its second person reads it: what it counts, and its first lines."""
    id = LibraryChangeId(found.object_id)
    return {
        "change": service.change(core(), change=id),
        "page": service.differences(core(), change=id, cursor=None, limit=PAGE),
        "trail": [("/goods/changes", gettext(mark("改商品库"), locale()))],
    }


readings.register("library_change", template="admin/reading_goods.html", load=_reading)
