"""The leverage report: what the vouchers of a programme moved, by group, from the rollups alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Programme
from voucher_service.causal import service as causal_service
from voucher_service.causal.service import Estimate
from voucher_service.i18n import DEFAULT, formats, labels, mark
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import InvalidInput
from voucher_service.proof import service as proof
from voucher_service.proof.model import Checkpoint
from voucher_service.reconciliation.tables import RollupRow, RollupRunRow, TradeInRollupRow

from . import causal, definitions, instruments, reach, retail, sentences, trade_in
from .figures import AMOUNTS, Figures, Ratios, number, ratios
from .groups import Basis, Group, GroupBy, cells, groups
from .instruments import Instrument
from .reach import Reach
from .retail import DAYS_REVERSED, Retail
from .trade_in import Subsidies, TradeIn

TOTAL = mark("合计")


@dataclass(frozen=True, slots=True)
class Row:
    """One group, labelled in every locale. The key is None for what belongs to no group."""

    key: str | None
    labels: Mapping[str, str]
    figures: Figures
    ratios: Ratios


@dataclass(frozen=True, slots=True)
class Proof:
    """The last full recount: so many cells were counted again, and so many were not the same.

    `at` is None before the first.
    """

    at: datetime | None = None
    cells: int = 0
    differing: int = 0


@dataclass(frozen=True, slots=True)
class LeverageReport:
    """Figures of one programme as of its last reconciliation; `as_of` is None before the first.

    `first` and `last` are the days asked for, both included; None is open. A synthetic programme
    was replayed: whoever shows the report says so. The rows add up to the totals. `sealed` is the
    newest published head of the log, which holds what the figures come from. `proof` says when all
    was last counted again, and what came of it. `causal`: estimates of what the programme's
    vouchers changed, over all their weeks whatever days were asked for. `levels`: of the treasuries
    that fund it; empty for the reader of a part, as are `instruments`. `retail`: retail sales that
    were published for exactly these days, without any for those of the programme; `meanwhile`: what
    vouchers moved on the days of it.
    """

    programme: Programme
    as_of: datetime | None
    basis: Basis
    group_by: GroupBy
    first: date | None
    last: date | None
    rows: tuple[Row, ...]
    totals: Row
    trade_in: TradeIn
    reach: Reach
    proof: Proof
    sealed: Checkpoint | None
    causal: tuple[Estimate, ...] = ()
    levels: frozenset[str] = frozenset()
    instruments: tuple[Instrument, ...] = ()
    retail: Retail | None = None
    meanwhile: Figures = field(default_factory=Figures)

    @property
    def synthetic(self) -> bool:
        """Whether the figures come from a replay."""
        return self.programme.synthetic


def report(
    core: Core,
    *,
    programme: str,
    group_by: GroupBy = GroupBy.CAMPAIGN,
    basis: Basis = Basis.PERIOD,
    from_: date | None = None,
    to: date | None = None,
) -> LeverageReport:
    """The report of a programme over some days or all: its vouchers, and trade-in beside them.

    Raises NoSuchThing for an unknown programme, InvalidInput when the days are the wrong way round.
    """
    if from_ and to and from_ > to:
        raise InvalidInput(extra={"errors": {"to": DAYS_REVERSED}})
    with core.transaction() as session:
        # The figures and their instant are of one and the same run.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        found = campaigns.programme(session, slug=programme)
        run = session.scalar(select(RollupRunRow).where(RollupRunRow.programme_id == found.id))
        asked = partial(cells, programme=found.id, basis=basis, first=from_, last=to)
        vouchers = asked(RollupRow, Figures)
        total, rows = groups(session, vouchers, group_by)
        reached = reach.read(session, vouchers)
        levels = sentences.levels(session, found.id)
        subsidised = trade_in.read(session, asked(TradeInRollupRow, Subsidies), group_by, found.id)
        estimates = causal_service.of_programme(session, programme=found.id)
        compared = instruments.read(session, vouchers, subsidised, estimates)
        days = from_ or found.opens_on, to or found.closes_on
        published = retail.standing(session, found.id, *days)
        meanwhile = _on(session, found, days) if published else Figures()
    return LeverageReport(
        found,
        None if run is None else run.as_of,
        basis,
        group_by,
        from_,
        to,
        tuple(_row(one, group_by, basis) for one in rows),
        Row(None, labels(TOTAL), total, ratios(total)),
        subsidised,
        reached,
        _proof(run),
        next(iter(proof.checkpoints(core, limit=1)), None),
        tuple(estimates),
        levels,
        compared,
        published,
        meanwhile,
    )


def _on(session: Session, programme: Programme, days: tuple[date, date]) -> Figures:
    """What vouchers moved on some days, whenever they were claimed: they may be spent after the
    last day of their programme, and retail sales are of days on which people spent.
    """
    first, last = days
    asked = cells(
        RollupRow, Figures, programme=programme.id, basis=Basis.PERIOD, first=first, last=last
    )
    return groups(session, asked, GroupBy.CAMPAIGN)[0]


def as_json(report: LeverageReport, locale: str = DEFAULT) -> dict[str, Any]:
    """The report as the API and the command line answer it; its words in the locale."""
    return {
        "programme": report.programme.slug,
        "synthetic": report.synthetic,
        "as_of": formats.iso(report.as_of) if report.as_of else None,
        "basis": str(report.basis),
        "group_by": str(report.group_by),
        "from": report.first.isoformat() if report.first else None,
        "to": report.last.isoformat() if report.last else None,
        "sealed": _sealed(report.sealed),
        "recounted": {
            "at": formats.iso(report.proof.at) if report.proof.at else None,
            "cells": report.proof.cells,
            "differing": report.proof.differing,
        },
        "small_share": number(report.reach.small),
        "county_share": number(report.reach.county),
        **_cost(report.causal, locale),
        "rows": [_row_json(one, locale) for one in report.rows],
        "totals": _row_json(report.totals, locale),
        "trade_in": trade_in.as_json(report.trade_in, locale),
        "instruments": instruments.as_json(report.instruments, locale),
        "retail_sales": retail.as_json(report.retail, report.meanwhile, report.causal, locale),
        "causal": causal.as_json(report.causal, locale),
        "sentences": sentences.as_json(report, locale),
        "definitions": definitions.in_words(locale),
    }


def _cost(estimates: Sequence[Estimate], locale: str) -> dict[str, Any]:
    found = causal.cost(estimates)
    return {
        "cost_per_extra_yuan": None if found is None else found.point,
        "cost_per_extra_yuan_interval": found and [found.low, found.high],
        "cost_per_extra_yuan_reason": None if found else causal.no_cost(estimates, locale),
    }


def _proof(run: RollupRunRow | None) -> Proof:
    if run is None or run.proved_at is None:
        return Proof()
    return Proof(run.proved_at, run.proved_cells or 0, run.differing or 0)


def _sealed(head: Checkpoint | None) -> dict[str, Any] | None:
    return None if head is None else {"size": head.size, "root": head.fingerprint}


def _row(group: Group[Figures], group_by: GroupBy, basis: Basis) -> Row:
    # What is issued and what is redeemed in one hour or on one day are different vouchers, unless
    # the day is that of the claim; and no voucher is issued to a trade or to a size of merchant.
    apart = group_by is GroupBy.HOUR or (group_by is GroupBy.DAY and basis is Basis.PERIOD)
    unissued = group_by in (GroupBy.TRADE, GroupBy.MERCHANT_SIZE)
    found = ratios(group.figures, issued=not (apart or unissued), redeemed=not apart)
    return Row(group.key, group.labels, group.figures, found)


def _row_json(row: Row, locale: str) -> dict[str, Any]:
    amounts = (*AMOUNTS, "net_leveraged")
    figures = {f"{name}_fen": getattr(row.figures, name).fen for name in amounts}
    quotients = {
        _RATIO_NAMES.get(name, name): number(value) for name, value in asdict(row.ratios).items()
    }
    return {
        "key": row.key,
        "label": row.labels[locale],
        **figures,
        "vouchers_issued": row.figures.vouchers_issued,
        "vouchers_redeemed": row.figures.vouchers_redeemed,
        "vouchers_lapsed": row.figures.vouchers_lapsed,
        **quotients,
    }


_RATIO_NAMES = {
    "on_issued": "ratio_on_issued",
    "on_redeemed": "ratio_on_redeemed",
    "evidenced": "evidenced_share",
}
