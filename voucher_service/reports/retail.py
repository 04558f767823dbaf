"""Retail sales of the city (社零), and what part of their growth vouchers can have brought.

The figures are published by statisticians and entered by the city's finance staff, with where they
were published and when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.causal.model import Design, Interval
from voucher_service.causal.service import Estimate, headline
from voucher_service.i18n import formats, gettext, mark
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import InvalidInput, NotAllowed
from voucher_service.kernel.ids import ProgrammeId, new_id
from voucher_service.kernel.money import ZERO, Money

from .figures import Figures, number, quotient
from .tables import RetailFigureRow

MAY_ENTER = Role.FINANCE
_WHOLE_BPS = 10_000
_LONGEST = 100  # characters of a source
FEN_OF_YI = 10**10  # 亿元, a hundred million yuan
MOST_FEN = 100_000 * FEN_OF_YI
MOST_BPS = 100_000
DAYS_REVERSED = mark("最后一天不能早于第一天。")
_RULES = {
    "last": DAYS_REVERSED,
    "published_on": mark("公布日不能早于最后一天。"),
    "sales": mark("社零总额要大于 0，最多 100,000 亿元。"),
    "growth": mark("增速要大于 −100%，最多 1,000%。"),
    "source": mark("请写明来源，最多 100 个字。"),
}
_NONE = mark("–（这几天没有登记社零数字）")
_NO_GROWTH = mark("–（同期社零没有增长）")
_EXTRA = mark(
    "{point}（95% 区间 {low} 到 {high}），只估计了“{offer}”，假定别的券每用掉 1 元带来的一样多"
)
_EXTRA_OF_ALL = mark("{point}（95% 区间 {low} 到 {high}）")


@dataclass(frozen=True, slots=True)
class Retail:
    """Sales over some days, both within, and their growth against the year before in basis points.

    `published_on` is the day on which the `source` said so.
    """

    id: UUID
    first: date
    last: date
    sales: Money
    growth_bps: int
    source: str
    published_on: date
    entered_by: UUID
    at: datetime

    @property
    def growth(self) -> Money:
        """By how much sales grew; negative when they shrank. Rounded half up to the fen."""
        whole = _WHOLE_BPS + self.growth_bps
        return Money((2 * self.sales.fen * self.growth_bps + whole) // (2 * whole))


def enter(
    core: Core,
    *,
    actor: Actor,
    programme: str,
    first: date,
    last: date,
    sales: Money,
    growth_bps: int,
    source: str,
    published_on: date,
) -> Retail:
    """Enter what was published for the days of a report; the newest of the same days stands.

    Raises NotAllowed, NoSuchThing, InvalidInput when the days are the wrong way round, sales or
    growth can't be true or the source is not told in 100 characters.
    """
    if not actor.has(MAY_ENTER) or actor.area or actor.id is None:
        raise NotAllowed
    source = source.strip()
    wrong = {
        "last": last < first,
        "published_on": published_on < last,
        "sales": not ZERO < sales <= Money(MOST_FEN),
        "growth": not -_WHOLE_BPS < growth_bps <= MOST_BPS,
        "source": not 0 < len(source) <= _LONGEST,
    }
    if any(wrong.values()):
        errors = {name: _RULES[name] for name, is_wrong in wrong.items() if is_wrong}
        raise InvalidInput(extra={"errors": errors})
    with core.transaction() as session:
        found = campaigns.programme(session, slug=programme)
        now = core.now(session)
        row = RetailFigureRow(
            id=new_id(),
            programme_id=found.id,
            first_day=first,
            last_day=last,
            sales_fen=sales,
            growth_bps=growth_bps,
            source=source,
            published_on=published_on,
            entered_by=actor.id,
            occurred_at=now,
        )
        session.add(row)
        audit.record(
            session,
            actor=actor,
            action="retail_figure.entered",
            object_type="programme",
            object_id=str(found.id),
            now=now,
            detail={
                "retail_figure": str(row.id),
                "first": first.isoformat(),
                "last": last.isoformat(),
                "sales_fen": sales.fen,
                "growth_bps": growth_bps,
                "source": source,
            },
        )
        return _view(row)


def entered(core: Core, *, programme: str, limit: int) -> Sequence[Retail]:
    """The newest entries of a programme. Raises NoSuchThing."""
    with core.transaction() as session:
        found = campaigns.programme(session, slug=programme)
        rows = session.scalars(
            select(RetailFigureRow)
            .where(RetailFigureRow.programme_id == found.id)
            .order_by(RetailFigureRow.occurred_at.desc(), RetailFigureRow.id.desc())
            .limit(limit)
        )
        return [_view(row) for row in rows]


def standing(session: Session, programme: ProgrammeId, first: date, last: date) -> Retail | None:
    """What stands for exactly these days; None where nothing was entered."""
    row = session.scalars(
        select(RetailFigureRow)
        .where(
            RetailFigureRow.programme_id == programme,
            RetailFigureRow.first_day == first,
            RetailFigureRow.last_day == last,
        )
        .order_by(RetailFigureRow.occurred_at.desc(), RetailFigureRow.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _view(row)


def at_most(retail: Retail | None, figures: Figures) -> Decimal | None:
    """Leveraged spending ÷ growth, as if every order were extra; None without growth."""
    return None if retail is None else quotient(figures.leveraged, retail.growth)


def extra(
    retail: Retail | None, figures: Figures, estimates: Sequence[Estimate]
) -> Interval | None:
    """The extra spending that was estimated ÷ growth; None without an estimate or growth.

    Between areas all vouchers were estimated, by the other designs those of one offer: then all
    that was redeemed is taken to bring as much a yuan.
    """
    best = headline(estimates)
    effect = best.spending if best else None
    if retail is None or effect is None or retail.growth <= ZERO:
        return None
    one = figures.redeemed.fen / retail.growth.fen
    return Interval(effect.point * one, effect.low * one, effect.high * one)


def facts(
    retail: Retail | None, figures: Figures, estimates: Sequence[Estimate], locale: str
) -> list[tuple[str, str]]:
    """What stands beside the ratios: pairs of a Chinese heading and a text of the locale."""
    most = at_most(retail, figures)
    if retail is None or most is None:
        why = gettext(_NONE if retail is None else _NO_GROWTH, locale)
        return [(mark("占社零增量"), why)]
    said = gettext(
        mark("最多 {share}，假定每一单都是多出来的；占社零的 {part}"),
        locale,
        share=formats.percent(most),
        part=_permille(quotient(figures.leveraged, retail.sales)),
    )
    found = extra(retail, figures, estimates)
    net = gettext(mark("–（还不能估计多出来的消费）"), locale)
    if found is not None:
        shares = {
            name: formats.percent(Decimal(str(getattr(found, name))))
            for name in ("point", "low", "high")
        }
        net = _in_words(estimates, shares, locale)
    source = gettext(
        mark("{first} 至 {last} {sales}，同比 {growth}；{source}，{day} 公布"),
        locale,
        first=retail.first.isoformat(),
        last=retail.last.isoformat(),
        sales=formats.wan(retail.sales, locale),
        growth=formats.percent(retail.growth_bps, _WHOLE_BPS),
        source=retail.source,
        day=retail.published_on.isoformat(),
    )
    return [
        (mark("占社零增量"), said),
        (mark("净拉动占社零增量"), net),
        (mark("社零数字"), source),
    ]


def as_json(
    retail: Retail | None, figures: Figures, estimates: Sequence[Estimate], locale: str
) -> dict[str, Any]:
    """The block `retail_sales`: the published figure and both shares, or why there is none."""
    most, found = at_most(retail, figures), extra(retail, figures, estimates)
    return {
        "sales_fen": retail and retail.sales.fen,
        "growth_fen": retail and retail.growth.fen,
        "growth_bps": retail and retail.growth_bps,
        "source": retail and retail.source,
        "published_on": retail and retail.published_on.isoformat(),
        "leveraged_share_of_growth": number(most),
        "extra_share_of_growth": found and [found.point, found.low, found.high],
        "reason": None if most is not None else facts(retail, figures, estimates, locale)[0][1],
    }


def _in_words(estimates: Sequence[Estimate], shares: Mapping[str, str], locale: str) -> str:
    """The share, and of which vouchers it was estimated."""
    best = headline(estimates)
    if best is None or best.design is Design.AREAS:
        return gettext(_EXTRA_OF_ALL, locale, **shares)
    return gettext(_EXTRA, locale, offer=best.offer.title, **shares)


def _permille(value: Decimal | None) -> str:
    """A small share to hundredths of a percent."""
    return formats.NOTHING if value is None else f"{value * 100:.2f}%"


def _view(row: RetailFigureRow) -> Retail:
    return Retail(
        row.id,
        row.first_day,
        row.last_day,
        row.sales_fen,
        row.growth_bps,
        row.source,
        row.published_on,
        row.entered_by,
        row.occurred_at,
    )
