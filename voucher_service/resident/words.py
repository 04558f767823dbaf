"""How the residents' pages say what an offer is for, how long it lasts, which voucher it is."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import Flask

from voucher_service.campaigns.model import Offer
from voucher_service.i18n import formats
from voucher_service.infra import areas
from voucher_service.kernel.clock import SHANGHAI, day_of
from voucher_service.kernel.ids import VoucherId
from voucher_service.merchants.model import Trade
from voucher_service.web.language import _, locale
from voucher_service.web.site import now, today

from . import terms


def install(app: Flask) -> None:
    """Teach this face's templates these words."""
    app.jinja_env.filters.update(
        trades=trades,
        places=places,
        days_left=days_left,
        last_day=last_day,
        soon=soon,
        second=second,
        number=number,
        **terms.FILTERS,
    )


def trades(offer: Offer) -> str:
    """What it can be spent on: 餐饮、商超, or anything: 通用券."""
    if not offer.trades:
        return _("通用券")
    return _("、").join(Trade(one).label(locale()) for one in offer.trades)


def places(offer: Offer) -> str:
    """Where it can be spent: 阳春市, or the whole city."""
    if not offer.areas:
        return _("全市可用")
    return _("、").join(areas.name(one, locale()) for one in offer.areas)


def days_left(until: datetime) -> str:
    """How long a validity still lasts, in days: 今天到期, 还有 7 天."""
    days = (_last(until) - today()).days
    if days < 0:
        return _("已过期")
    if days == 0:
        return _("今天到期")
    return _("明天到期") if days == 1 else _("还有 {n} 天", n=days)


def last_day(until: datetime) -> str:
    """The last day of a validity: 9月30日."""
    return formats.plain_day(_last(until), locale(), today())


def _last(until: datetime) -> date:
    return day_of(until - timedelta(seconds=1))


def soon(instant: datetime, hours: int = 24) -> bool:
    """Whether an instant to come is at most that many hours away."""
    return instant - now() <= timedelta(hours=hours)


def second(instant: datetime) -> str:
    """The time of day in Shanghai to the second: 10:00:07."""
    return instant.astimezone(SHANGHAI).strftime("%H:%M:%S")


def number(voucher: VoucherId) -> str:
    """The twelve digits by which people name a voucher; its id is what machines use."""
    return f"{voucher.int % 10**12:012d}"
