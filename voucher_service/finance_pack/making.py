"""Make a pack: read the books in one snapshot, write the ten documents, see that they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.clock import end_of
from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.printing.forms import Form, printed
from voucher_service.settlement.model import Batch

from . import listings, manifest, papers, reading
from .model import Borne, Facts, PackDoesNotTie, Sums, differences
from .parcel import Parcel
from .sheets import Listing, Totals, read, write

_ACCOUNTS_AT_ONCE = 500
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
# A million redemptions take minutes, of which a workbook is closed for one at a time.
_PATIENCE = ("statement_timeout = '30min'", "idle_in_transaction_session_timeout = '30min'")
_TABLES = (
    listings.SUMMARY,
    listings.REDEMPTIONS,
    listings.INVOICES,
    listings.COMPANIES,
    listings.REFUNDS,
    listings.EXCLUDED,
)


def make(core: Core, *, batch: Batch, facts: Facts, out: IO[bytes]) -> None:
    """Write the pack of a batch. The same batch, books and facts give the same bytes.

    Raises PackDoesNotTie, FontsMissing.
    """
    foot = f"批次 {batch.number} · 封存账目 {facts.size} 条 · {facts.root}"
    with core.transaction() as session, Parcel(out) as parcel:
        session.execute(text(_SNAPSHOT))
        for one in _PATIENCE:
            session.execute(text(f"SET LOCAL {one}"))
        borne = reading.shares(session, batch)
        totals = {
            one.name: write(parcel, one, _rows(session, one, batch, facts), at=facts.at)
            for one in _TABLES
        }
        sums = _sums(totals)
        _check(batch, sums, totals, [one for _, one in borne])
        for name, form in _forms(session, batch, facts, borne, sums, foot):
            parcel.add(f"{name}.pdf", printed(form, at=facts.at))
        parcel.add("manifest.json", manifest.as_json(batch, facts, parcel.files, totals))
        parcel.add("manifest.txt", manifest.as_text(parcel.files))


def _rows(
    session: Session, listing: Listing, batch: Batch, facts: Facts
) -> Iterator[Mapping[str, Any]]:
    found = read(session, listing, reading.span(batch, end_of(batch.day)))
    return _with_accounts(session, batch, facts, found) if listing is listings.COMPANIES else found


def _with_accounts(
    session: Session, batch: Batch, facts: Facts, rows: Iterator[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """Each merchant with the account that is paid to, in clear."""
    companies = list(rows)
    for first in range(0, len(companies), _ACCOUNTS_AT_ONCE):
        some = companies[first : first + _ACCOUNTS_AT_ONCE]
        known = merchants.accounts_at(
            session,
            merchants=[MerchantId(one["id"]) for one in some],
            at=batch.sent_at or facts.at,
            clear=True,
        )
        for one in some:
            account = known.get(one["id"])
            told = None if account is None else account.account
            yield {
                **one,
                "holder": told and told.name,
                "number": told and told.number,
                "bank": told and told.bank,
                "cnaps": told and told.cnaps,
                "kind": told and told.kind,
            }


def _sums(totals: Mapping[str, Totals]) -> Sums:
    summary = totals[listings.SUMMARY.name]
    return Sums(
        summary.rows,
        totals[listings.REDEMPTIONS.name].rows,
        summary.sums["gross_fen"],
        summary.sums["refunded_fen"],
        summary.sums["due_fen"],
        summary.sums["advanced_fen"],
        summary.sums["deducted_fen"],
    )


def _check(batch: Batch, sums: Sums, totals: Mapping[str, Totals], borne: list[Borne]) -> None:
    """Raises PackDoesNotTie unless every sum that stands in two documents is the same in both."""
    lines = totals[listings.REDEMPTIONS.name].sums
    came_off = totals[listings.REFUNDS.name].sums["less_fen"]
    _expect_same(
        [
            ("②笔数 / 批次", sums.lines, batch.lines),
            ("③笔数 / 批次", sums.redemptions, batch.items),
            ("②应付 / 批次", sums.due, batch.due),
            ("②抵扣 / 批次", sums.deducted, batch.deducted),
            ("①级次合计 / ②应付", Money.total(one.due for one in borne), sums.due - sums.advanced),
            ("③其中已退 / ②其中已退", lines["refunded_fen"], sums.refunded),
            ("⑥冲减 / ②已退和抵扣", came_off, sums.refunded + sums.deducted),
            ("付款文件 / ②实付和退票重付", batch.total, sums.due - sums.deducted + batch.retried),
        ]
    )


def _expect_same(pairs: list[tuple[str, object, object]]) -> None:
    if found := differences(pairs):
        raise PackDoesNotTie(extra={"differences": found})


def _forms(
    session: Session,
    batch: Batch,
    facts: Facts,
    borne: list[tuple[Any, Borne]],
    sums: Sums,
    foot: str,
) -> Iterator[tuple[str, Form]]:
    bears = [one for _, one in borne]
    names = reading.programmes(session, batch)
    yield "01-资金清算申请表", papers.application(batch, names, bears, sums, foot)
    yield (
        "08-第三方审核报告",
        papers.audit(
            batch,
            facts,
            reading.records(session, batch, facts),
            reading.sample(session, batch, facts),
            reading.seed_of(batch, facts),
            reading.reviews(session, batch),
            foot,
        ),
    )
    shown = list(papers.notices(batch, reading.noticed(session, batch), foot))
    for number, form in enumerate(shown, 1):
        yield ("09-公示" if len(shown) == 1 else f"09-公示-{number}"), form
    moved = list(reading.moved(session, batch, facts, borne))
    _expect_same(
        [
            (f"⑩{one.stage}期末 / 期初和转入转出", one.closing, one.opening + one.came - one.went)
            for one in moved
        ]
    )
    bank = reading.bank(session, batch)
    yield "10-账户余额对账", papers.accounts(batch, moved, bank, sums, facts.at, foot)
