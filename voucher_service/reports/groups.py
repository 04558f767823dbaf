"""The rollups summed by group: which groups there are, in what order, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Any, Generic
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, null, select
from sqlalchemy.orm import Session

from voucher_service.budgets.tables import BudgetLineRow, FunderRow, ReservationRow
from voucher_service.campaigns.tables import CampaignRow, OfferRow
from voucher_service.i18n import LOCALES, gettext, mark
from voucher_service.infra import areas
from voucher_service.kernel.ids import ProgrammeId
from voucher_service.kernel.money import ZERO
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.reconciliation.grain import Basis, Dimension
from voucher_service.reconciliation.tables import RollupRow, TradeInRollupRow

from .figures import S, amounts, counts, shared, summed

__all__ = ["Basis", "Cells", "Group", "GroupBy", "cells", "groups"]
NOT_ATTRIBUTED = mark("归不到组")


class GroupBy(StrEnum):
    """What one row stands for."""

    CAMPAIGN = "campaign"
    AREA = "area"
    TRADE = "trade"
    DAY = "day"
    FUNDER = "funder"
    MERCHANT_SIZE = "merchant_size"
    OFFER = "offer"
    HOUR = "hour"
    BRAND = "brand"


@dataclass(frozen=True, slots=True)
class Group(Generic[S]):
    """The figures of one group; the key is None for what belongs to none."""

    key: str | None
    labels: Mapping[str, str]
    figures: S


@dataclass(frozen=True, slots=True)
class Cells(Generic[S]):
    """Rows of a rollup to sum up: what their columns become, and which of them.

    `day` is the column of the days asked for. Trade-in has a column for every dimension, vouchers
    a row for each key of one.
    """

    table: type[RollupRow] | type[TradeInRollupRow]
    kind: type[S]
    within: Sequence[ColumnElement[bool]]
    day: ColumnElement[date]

    def by(self, session: Session, group_by: GroupBy) -> dict[Any, S]:
        """The sum of each group by its key; campaigns' and offers' keys are their ids."""
        column = self._column(group_by)
        within = list(self.within)
        if self.table is RollupRow:
            within.append(RollupRow.dimension == _DIMENSIONS[group_by])
        found = self.sums(session, column, within)
        if self.table is RollupRow and _DIMENSIONS[group_by] is Dimension.OFFER:
            return _of_offers(session, found, group_by)
        return found

    def _column(self, group_by: GroupBy) -> ColumnElement[Any]:
        if group_by is GroupBy.DAY:
            return self.day
        name = _COLUMNS.get(group_by)
        if self.table is RollupRow:
            name = None if group_by is GroupBy.BRAND else "key"
        return cast(null(), Text) if name is None else self.table.__table__.c[name]

    def sums(
        self,
        session: Session,
        column: ColumnElement[Any],
        within: Sequence[ColumnElement[bool]] | None = None,
    ) -> dict[Any, S]:
        """The sum of the rows that have the same value in a column, by that value."""
        names = [f"{name}_fen" for name in amounts(self.kind)] + list(counts(self.kind))
        columns = [func.sum(getattr(self.table, name)).label(name) for name in names]
        chosen = self.within if within is None else within
        rows = session.execute(select(column, *columns).where(*chosen).group_by(column))
        of = [*amounts(self.kind), *counts(self.kind)]
        return {key: self.kind(**dict(zip(of, values, strict=True))) for key, *values in rows}


def cells(
    table: type[RollupRow] | type[TradeInRollupRow],
    kind: type[S],
    *,
    programme: ProgrammeId,
    basis: Basis,
    first: date | None,
    last: date | None,
) -> Cells[S]:
    """The rows of a programme from one day to another, both within; None is open."""
    columns = table.__table__.c
    within: list[ColumnElement[bool]] = [columns.programme_id == programme]
    day: ColumnElement[date] = columns.day
    if table is RollupRow:
        within.append(columns.basis == basis)
    elif basis is Basis.COHORT:
        day = columns.claim_day
    within += [day >= first] if first else []
    within += [day <= last] if last else []
    return Cells(table, kind, within, day)


Name = Callable[[str], str]


def groups(session: Session, cells: Cells[S], group_by: GroupBy) -> tuple[S, list[Group[S]]]:
    """The sum of all rows, and of each group in the order of a table."""
    sums = cells.by(session, group_by)
    total = sum(sums.values(), cells.kind())
    if group_by is GroupBy.CAMPAIGN:
        found = _by_campaign(session, sums)
    elif group_by is GroupBy.OFFER:
        found = _by_offer(session, sums)
    elif group_by is GroupBy.FUNDER:
        found = _by_funder(session, sums, cells.kind())
    else:
        found = [
            _group(str(key), NAMES[group_by](key), sums[key])
            for key in sorted(sums.keys() - {None})
        ]
        if None in sums:
            found.append(_unattributed(sums[None]))
    return total, found


def _of_offers(session: Session, found: dict[str, S], group_by: GroupBy) -> dict[Any, S]:
    """The same by the offers' ids, or by their campaigns'."""
    if group_by is GroupBy.OFFER:
        return {UUID(key): one for key, one in found.items()}
    offers = select(OfferRow.id, OfferRow.campaign_id).where(OfferRow.id.in_(map(UUID, found)))
    return summed((campaign, found[str(offer)]) for offer, campaign in session.execute(offers))


def _by_offer(session: Session, sums: dict[Any, S]) -> list[Group[S]]:
    rows = session.execute(
        select(OfferRow.id, CampaignRow.name, OfferRow.title)
        .join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
        .where(OfferRow.id.in_(sums))
        .order_by(CampaignRow.opens_on, CampaignRow.id, OfferRow.id)
    )
    # Every campaign of a programme may have an offer of the same title.
    return [
        _group(str(offer), _as_it_is(f"{campaign} · {title}"), sums[offer])
        for offer, campaign, title in rows
    ]


def _by_campaign(session: Session, sums: dict[Any, S]) -> list[Group[S]]:
    rows = session.execute(
        select(CampaignRow.id, CampaignRow.name)
        .where(CampaignRow.id.in_(sums))
        .order_by(CampaignRow.opens_on, CampaignRow.id)
    )
    return [_group(str(campaign), _as_it_is(name), sums[campaign]) for campaign, name in rows]


def _by_funder(session: Session, sums: dict[Any, S], nothing: S) -> list[Group[S]]:
    """Each campaign's amounts by the shares of its lines; what has no line is not attributed.

    Where shares follow the shop, by what each funder really bore so far.
    """
    shares: dict[UUID, dict[str, int]] = {}
    borne: dict[UUID, dict[str, int]] = {}
    names: dict[str, str] = {}
    by_shop: set[UUID] = set()
    folded = (
        select(func.sum(ReservationRow.folded_fen))
        .where(ReservationRow.line_id == BudgetLineRow.id)
        .scalar_subquery()
    )
    for line, code, name, bore in session.execute(
        select(BudgetLineRow, FunderRow.code, FunderRow.name, folded)
        .join(FunderRow, FunderRow.id == BudgetLineRow.funder_id)
        .where(BudgetLineRow.campaign_id.in_(sums))
        .order_by(BudgetLineRow.campaign_id, BudgetLineRow.position, BudgetLineRow.id)
    ):
        for weights, weight in (
            (shares.setdefault(line.campaign_id, {}), 0 if line.shop_area else line.share_bps),
            (borne.setdefault(line.campaign_id, {}), (bore or ZERO).fen),
        ):
            weights[code] = weights.get(code, 0) + weight
        names[code] = name
        if line.shop_area:
            by_shop.add(line.campaign_id)
    shares |= {one: borne[one] for one in by_shop if any(borne[one].values())}
    parts: list[tuple[str, S]] = []
    nobody: list[S] = []
    for campaign, figures in sorted(sums.items()):
        if any(shares.get(campaign, {}).values()):
            parts += shared(figures, shares[campaign]).items()
        else:
            nobody.append(figures)
    found = summed(parts)
    rows = [_group(code, _as_it_is(names[code]), found[code]) for code in sorted(found)]
    return rows + ([_unattributed(sum(nobody, nothing))] if nobody else [])


def _group(key: str | None, name: Name, figures: S) -> Group[S]:
    return Group(key, {locale: name(locale) for locale in LOCALES}, figures)


def _unattributed(figures: S) -> Group[S]:
    return _group(None, partial(gettext, NOT_ATTRIBUTED), figures)


def _as_it_is(name: str) -> Name:
    return lambda _locale: name


def _hour(key: str) -> Name:
    return _as_it_is(f"{key}:00–{int(key) + 1:02d}:00")


_DIMENSIONS: Mapping[GroupBy, Dimension] = {
    GroupBy.CAMPAIGN: Dimension.OFFER,
    GroupBy.OFFER: Dimension.OFFER,
    GroupBy.FUNDER: Dimension.OFFER,
    GroupBy.AREA: Dimension.AREA,
    GroupBy.TRADE: Dimension.TRADE,
    GroupBy.MERCHANT_SIZE: Dimension.MERCHANT_SIZE,
    GroupBy.HOUR: Dimension.HOUR,
    # Each dimension has every day: the one with the fewest keys is summed up.
    GroupBy.DAY: Dimension.MERCHANT_SIZE,
    # No voucher is for a brand: their orders are summed up as one.
    GroupBy.BRAND: Dimension.MERCHANT_SIZE,
}
# Of trade-in, whose hours nobody asked for.
_COLUMNS: Mapping[GroupBy, str] = {
    GroupBy.CAMPAIGN: "campaign_id",
    GroupBy.OFFER: "offer_id",
    GroupBy.FUNDER: "campaign_id",
    GroupBy.AREA: "area",
    GroupBy.TRADE: "trade",
    GroupBy.MERCHANT_SIZE: "merchant_size",
    GroupBy.BRAND: "brand",
}
NAMES: Mapping[GroupBy, Callable[[Any], Name]] = {
    GroupBy.AREA: lambda code: partial(areas.name, code),
    GroupBy.TRADE: lambda code: Trade(code).label,
    GroupBy.MERCHANT_SIZE: lambda code: SizeClass(code).label,
    GroupBy.DAY: lambda day: _as_it_is(day.isoformat()),
    GroupBy.HOUR: _hour,
    GroupBy.BRAND: _as_it_is,
}
