"""The trade-in part of the leverage report: beside the vouchers, and never in their ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from voucher_service.budgets.model import Level
from voucher_service.budgets.tables import BudgetLineRow, FunderRow
from voucher_service.campaigns.model import WAS_PUBLISHED, CampaignKind
from voucher_service.campaigns.tables import CampaignRow
from voucher_service.i18n import LOCALES, labels, mark
from voucher_service.kernel.ids import ProgrammeId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.pledges import service as promised
from voucher_service.reconciliation.tables import TradeInRollupRow
from voucher_service.redemption.model import Payer
from voucher_service.tradein import words
from voucher_service.tradein.policy import Category

from .figures import Sums, amounts
from .groups import Cells, Group, GroupBy, groups

GOVERNMENT = "government"
PAYERS: Mapping[str, str] = {
    GOVERNMENT: mark("政府补贴"),
    Payer.MERCHANT: mark("商家让利"),
    Payer.BANK: mark("银行优惠"),
    Payer.PLATFORM: mark("平台优惠"),
}
_OWN = {Level.MERCHANT: str(Payer.MERCHANT), Level.BANK: str(Payer.BANK)}


@dataclass(frozen=True, slots=True)
class Subsidies(Sums):
    """What trade-in moved, net of refunds.

    `units` were sold at tills, for `turnover`; `applications` were approved, on invoices of
    `invoiced`, and no till saw that money. `merchant`, `bank` and `platform`: what they took off
    beside the `subsidy`, the merchant before the price and the others after it.
    """

    units: int | None = 0
    applications: int | None = 0
    subsidy: Money = ZERO
    turnover: Money = ZERO
    refunded: Money = ZERO
    invoiced: Money = ZERO
    merchant: Money = ZERO
    bank: Money = ZERO
    platform: Money = ZERO


@dataclass(frozen=True, slots=True)
class Paid:
    """What one payer pledged and delivered; `pledged` is None where nobody wrote a pledge down.

    `payer` is a word of PAYERS. A funder's pledge is its budget lines, those of others are what was
    entered for the programme, whatever the days asked for.
    """

    payer: str
    labels: Mapping[str, str]
    pledged: Money | None
    delivered: Money


@dataclass(frozen=True, slots=True)
class TradeIn:
    """Totals, and the same by the groups of the report, by category and by who paid.

    `categories` and `payers` are empty for a reader of a part that they can't be told apart for.
    """

    totals: Subsidies = Subsidies()
    rows: tuple[Group[Subsidies], ...] = ()
    categories: tuple[Group[Subsidies], ...] = ()
    payers: tuple[Paid, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.rows)


def read(
    session: Session, cells: Cells[Subsidies], group_by: GroupBy, programme: ProgrammeId
) -> TradeIn:
    """The trade-in part of a programme's report."""
    total, rows = groups(session, cells, group_by)
    if not rows:
        return TradeIn()
    sums = cells.sums(session, TradeInRollupRow.__table__.c.category)
    categories = [
        Group(str(one), {locale: words.label(one, locale) for locale in LOCALES}, sums[one])
        for one in Category
        if one in sums
    ]
    payers = _payers(session, cells, total, programme)
    return TradeIn(total, tuple(rows), tuple(categories), payers)


def as_json(found: TradeIn, locale: str) -> dict[str, Any]:
    """The section as the API and the command line answer it; its words in the locale."""
    return {
        **_sums_json(found.totals),
        "rows": _groups_json(found.rows, locale),
        "categories": _groups_json(found.categories, locale),
        "payers": [
            {
                "payer": one.payer,
                "label": one.labels[locale],
                "pledged_fen": None if one.pledged is None else one.pledged.fen,
                "delivered_fen": one.delivered.fen,
            }
            for one in found.payers
        ],
    }


def _groups_json(rows: Sequence[Group[Subsidies]], locale: str) -> list[dict[str, Any]]:
    return [
        {"key": one.key, "label": one.labels[locale], **_sums_json(one.figures)} for one in rows
    ]


def _sums_json(figures: Subsidies) -> dict[str, int | None]:
    money = amounts(Subsidies)
    return {
        f"{one.name}_fen" if one.name in money else one.name: (
            getattr(figures, one.name).fen if one.name in money else getattr(figures, one.name)
        )
        for one in fields(Subsidies)
    }


def _payers(
    session: Session, cells: Cells[Subsidies], total: Subsidies, programme: ProgrammeId
) -> tuple[Paid, ...]:
    """Funders with their shares of the subsidies, then who took something off by themselves."""
    pledges = _pledges(session, programme)
    _, funders = groups(session, cells, GroupBy.FUNDER)
    paid = []
    for one in funders:
        payer, pledged = pledges.get(one.key, (GOVERNMENT, None))
        paid.append(Paid(payer, one.labels, pledged, one.figures.subsidy))
    others = promised.standing(session, programme=programme)
    for payer in Payer:
        given: Money = getattr(total, payer)
        if given or others.get(payer):
            paid.append(Paid(str(payer), labels(PAYERS[payer]), others.get(payer), given))
    return tuple(paid)


def _pledges(session: Session, programme: ProgrammeId) -> dict[str | None, tuple[str, Money]]:
    """Each funder of the programme's trade-in: what kind of payer, and what its lines hold."""
    rows = session.execute(
        select(FunderRow.code, FunderRow.level, func.sum(BudgetLineRow.amount_fen))
        .join(BudgetLineRow, BudgetLineRow.funder_id == FunderRow.id)
        .join(CampaignRow, CampaignRow.id == BudgetLineRow.campaign_id)
        .where(
            CampaignRow.programme_id == programme,
            CampaignRow.kind == CampaignKind.TRADE_IN,
            CampaignRow.status.in_(WAS_PUBLISHED),
        )
        .group_by(FunderRow.code, FunderRow.level)
    )
    return {code: (_OWN.get(level, GOVERNMENT), amount) for code, level, amount in rows}
