"""Filed prices on the manager's desk: what is filed, one product, a table of many."""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from merchant_portal.goods_schemas import OwnPricesArgs, PriceForm, PricesForm
from voucher_service.goods import reading, service, words
from voucher_service.goods.categories import CATEGORIES
from voucher_service.goods.gtins import GtinInvalid, gtin, printed
from voucher_service.goods.model import GoodsFileInvalid, Slip, Wanted
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.web import forms, uploads
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale
from voucher_service.web.site import core

prices = Blueprint("prices", __name__, url_prefix="/prices")
tables = Blueprint("price_tables", __name__, url_prefix="/prices")

FILE_LIMIT_BYTES = 1024 * 1024
TOO_LARGE = mark("文件超过 1 MB。请分成几份传。")


def install(app: Flask) -> None:
    """Let a table through, which is larger than other requests; and what the pages say."""
    uploads.let_through(app, {tables.name})
    app.jinja_env.globals.update(
        barcode=printed, category_name=lambda one: gettext(CATEGORIES[one], locale())
    )


@prices.get("")
def show_all() -> str:
    """What is filed; with `?q=` products of the library, filed or not."""
    return _all(forms.Form())


@tables.post("/table")
def file_table() -> Response | tuple[str, int]:
    """File the prices of a table."""
    form = forms.read(PricesForm)
    content = uploads.sent(form, "table", most_bytes=FILE_LIMIT_BYTES)
    if len(content) > FILE_LIMIT_BYTES:
        form.errors["table"] = gettext(TOO_LARGE, locale())
    if not form.ok:
        return _all(form), 422
    try:
        service.promise(core(), actor=actor(), prices=reading.prices(content))
    except DomainError as error:
        form.refuse(error)
        slips = error.slips if isinstance(error, GoodsFileInvalid) else ()
        return _all(form, slips), status_of(error)
    return redirect("/prices", 303)


@prices.get("/<gtin>")
def show(gtin: str) -> str:
    """One product, and the form for its price."""
    return _one(gtin, forms.Form())


@prices.post("/<gtin>")
def file(gtin: str) -> Response | tuple[str, int]:
    """File its price."""
    number, form, status = _number(gtin), forms.read(PriceForm), 422
    if form.ok:
        try:
            wanted = Wanted(1, number, form.values["price"])
            service.promise(core(), actor=actor(), prices=[wanted])
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/prices/{printed(number)}", 303)
    return _one(gtin, form), status


def _number(text: str) -> str:
    try:
        return gtin(text)
    except GtinInvalid:
        raise NoSuchThing from None


def _all(form: forms.Form, slips: tuple[Slip, ...] = ()) -> str:
    try:
        args = OwnPricesArgs().load(request.args.to_dict())
    except ValidationError:
        args = OwnPricesArgs().load({})
    page = service.own_prices(
        core(), actor=actor(), text=args["q"], cursor=args["cursor"], limit=args["limit"]
    )
    return render_template(
        "merchant/desk/prices.html",
        form=form,
        wrong=[words.slip(one, locale()) for one in slips],
        page=page,
        text=args["q"],
        wait=core().settings.goods.raise_days,
    )


def _one(text: str, form: forms.Form) -> str:
    found, filed = service.own_price(core(), actor=actor(), gtin=_number(text))
    return render_template(
        "merchant/desk/price.html",
        found=found,
        filed=filed,
        form=form,
        wait=core().settings.goods.raise_days,
    )
