"""What a full recount found wrong, in words: for those who look after the books."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from voucher_service.campaigns.tables import OfferRow
from voucher_service.i18n import formats, gettext, mark
from voucher_service.infra.core import Core
from voucher_service.kernel.money import Money
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation.grain import Basis, WrongCell

from . import layout
from .groups import NAMES, NOT_ATTRIBUTED, GroupBy

_TABLES: Mapping[str, str] = {
    "rollup_cell": mark("明细"),
    "rollup": mark("合计"),
    "rollup_repeat": mark("重复的支付流水号"),
    "trade_in_rollup": layout.TRADE_IN,
}
_FIGURES: Mapping[str, str] = {
    **{f"{one.name}_fen": one.heading for one in (*layout.AMOUNTS, *layout.TRADE_IN_AMOUNTS)},
    **{one.name: one.heading for one in layout.TRADE_IN_COUNTS},
    "threshold_fen": mark("核销门槛合计"),
    "face_redeemed_fen": mark("核销时抵扣合计"),
    "vouchers_issued": mark("发放张数"),
    "vouchers_redeemed": mark("核销张数"),
    "vouchers_lapsed": mark("过期张数"),
    "rows": mark("行数"),
}
# What names a cell beside its day; a cell of vouchers names its dimension and the key in it.
_NAMED = (GroupBy.AREA, GroupBy.TRADE, GroupBy.MERCHANT_SIZE, GroupBy.BRAND)


@dataclass(frozen=True, slots=True)
class WrongFigure:
    """A figure of a cell: where it stands, what it is called, what stood and what is right."""

    programme: str
    where: str
    figure: str
    stood: str
    again: str


def wrong_figures(core: Core, locale: str) -> list[WrongFigure]:
    """What the last full recount of each programme found wrong."""
    found = reconciliation.wrong_cells(core)
    titles = _titles(core, found)
    return [
        WrongFigure(
            one.programme,
            _where(one, titles, locale),
            gettext(_FIGURES[one.figure], locale),
            _written(one.figure, one.stood),
            _written(one.figure, one.again),
        )
        for one in found
    ]


def _titles(core: Core, found: list[WrongCell]) -> dict[str, str]:
    named = {one.cell.get("offer_id") or one.cell.get("key", "") for one in found}
    ids = set[UUID]()
    for one in named:
        with suppress(ValueError):
            ids.add(UUID(one))
    with core.transaction() as session:
        rows = session.execute(select(OfferRow.id, OfferRow.title).where(OfferRow.id.in_(ids)))
        return {str(id): title for id, title in rows}


def _where(one: WrongCell, titles: Mapping[str, str], locale: str) -> str:
    cell = dict(one.cell)
    said = [gettext(_TABLES[one.of_table], locale), cell["day"]]
    if "basis" in cell:
        with suppress(ValueError):
            said.append(gettext(layout.BASIS[Basis(cell["basis"])], locale))
    if "dimension" in cell:
        cell[cell["dimension"]] = cell.get("key") or gettext(NOT_ATTRIBUTED, locale)
    offer = cell.get("offer_id") or cell.get("offer")
    if offer is not None:
        said.append(titles.get(offer, offer))
    said += [_name(by, cell[by], locale) for by in (*_NAMED, GroupBy.HOUR) if by in cell]
    return " · ".join(said)


def _name(by: GroupBy, key: str, locale: str) -> str:
    # What is wrong may be the key itself.
    try:
        name = NAMES[by](key)(locale)
    except (KeyError, ValueError):
        name = key
    return f"{gettext(layout.GROUP_BY[by], locale)} {name}"


def _written(figure: str, value: int) -> str:
    return formats.money(Money(value)) if figure.endswith("_fen") else formats.count(value)
