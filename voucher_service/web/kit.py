"""What templates can say: texts, formats, links to assets. Serves assets and the page `/kit`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Flask, Response, render_template, url_for

from voucher_service.i18n import formats
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.money import Money

from .auth import actor_or_none
from .csrf import form_token
from .idempotency import new_key
from .language import choice, locale, markup
from .samples import samples
from .site import now, site, today

blueprint = Blueprint("kit", __name__, template_folder="templates")


@blueprint.get("/static/<path:name>")
def static(name: str) -> Response:
    """A stylesheet, script or picture."""
    return site().assets.send(name)


@blueprint.get("/kit")
def every_component() -> str:
    """All components in all their states; not in production."""
    if site().core.settings.production:
        raise NoSuchThing
    return render_template("kit/kit.html", **samples())


def install(app: Flask) -> None:
    """Teach this app's templates our words."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        {
            "_": markup,
            "locale": locale,
            "choice": choice,
            "asset": _asset,
            "csrf_token": form_token,
            "new_key": new_key,
            "actor_or_none": actor_or_none,
            "now": now,
            "site": site,
            "has_endpoint": lambda name: name in app.view_functions,
            "url_for": url_for,
        }
    )
    app.jinja_env.filters.update(filters())


def _asset(name: str) -> str:
    return site().assets.url(name)


def filters() -> dict[str, Callable[..., Any]]:
    """The formats of pages.md, bound to the reader's language and to today."""
    return {
        "money": formats.money,
        "face": formats.face,
        "yuan": formats.yuan,
        "count": formats.count,
        "ratio": formats.ratio,
        "percent": formats.percent,
        "rate": formats.rate,
        "hour": formats.hour,
        "iso": formats.iso,
        "group4": formats.group4,
        "wan": _wan,
        "wan_parts": _wan_parts,
        "day": _day,
        "plain_day": _plain_day,
        "instant": _instant,
        "until": _until,
    }


def _wan(value: Money | None) -> str:
    return formats.wan(value, locale())


def _wan_parts(value: Money | None) -> tuple[str, str]:
    return formats.wan_parts(value, locale())


def _day(value: date | datetime) -> str:
    return formats.day(_date(value), locale(), today())


def _plain_day(value: date | datetime) -> str:
    return formats.plain_day(_date(value), locale(), today())


def _instant(value: datetime) -> str:
    return formats.instant(value, locale(), today())


def _until(value: datetime) -> str:
    return formats.until(value, locale(), today())


def _date(value: date | datetime) -> date:
    return day_of(value) if isinstance(value, datetime) else value
