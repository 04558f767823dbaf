"""The leverage page with its files, and the page of the books: reconciliation and drift."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from admin import charts, estimates, figures, words
from admin.api.reports import file
from admin.schemas import LeverageArgs
from voucher_service.allocation.drift import Kind
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.i18n import gettext, mark
from voucher_service.infra import areas
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import InvalidInput, NoSuchThing, TryAgain
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import definitions, instruments, layout, sentences
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.reports.repairs import repairs
from voucher_service.reports.wrong_cells import wrong_figures
from voucher_service.vouchers.service.drift import Finding, examine
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.schemas import in_our_words
from voucher_service.web.site import core

reports = Blueprint("report_pages", __name__)
_SHOWN = 50
KINDS = {
    Kind.MISSING: mark("{n} 个没人领得到"),
    Kind.TAKEN: mark("{n} 个会重复发"),
    Kind.UNKNOWN: mark("{n} 个持有人对不上"),
    Kind.STUCK: mark("{n} 个卡在半路"),
}


@reports.get("/reports/leverage")
def show() -> str:
    """What the vouchers of a programme moved."""
    known = campaigns.programmes(core())
    if not known:
        return render_template("admin/leverage_none.html")
    args = _args(known[0].slug)
    found = figures.report(actor(), args)
    return render_template(
        "admin/leverage.html",
        report=found,
        args=args,
        programmes=known,
        groups=figures.groups_for(actor()),
        bases=list(Basis),
        ruler=figures.ruler(found),
        drawn=estimates.drawing(found),
        drawn_groups=charts.chart(found),
        instruments_note=gettext(instruments.NOTE, locale()),
        small=words.is_small(found.totals.figures.leveraged),
        facts=layout.beside(found, locale()),
        in_full=layout.in_full(found, locale()),
        definitions=[one.in_words(locale()) for one in definitions.DEFINITIONS],
        terms=definitions.terms(locale()),
        said=sentences.sentences(found, locale()),
        paragraph=sentences.paragraph(found, locale()),
        query=sentences.query(found),
        sealed=layout.sealed(found, locale()),
        reads_log=actor().has(Role.FINANCE) or actor().has(Role.AUDITOR),
    )


@reports.get("/reports/leverage.<any(xlsx, csv, zip, pdf, json):form>")
def download(form: str) -> Any:
    """The same figures as a file."""
    return file(_args(""), form)


@reports.get("/books")
def books() -> str:
    """What the gate says against what PostgreSQL holds, and when figures were last counted."""
    reader = actor()
    # Only what can still be claimed: a gate that nobody asks any more costs nobody anything.
    offers = [
        offer
        for offer in campaigns.open_offers(core())
        if areas.within(offer.issuing_area, reader.area)
    ]
    titles = {one.id: one for one in offers}
    programmes = campaigns.programmes(core())
    return render_template(
        "admin/books.html",
        offers=offers,
        findings=_findings(offers),
        kinds=KINDS,
        repairs=[(titles[one.offer], one) for one in repairs(core(), offers=titles)],
        programmes=programmes,
        names={one.slug: words.programme_name(one) for one in programmes},
        progress=reconciliation.progress(core()),
        # Cells of other areas are nothing for the reader of one.
        wrong=() if reader.area else wrong_figures(core(), locale())[:_SHOWN],
        rung="rung" in request.args,
    )


@reports.post("/reconciliations")
def reconcile() -> Response:
    """Ring the reconciliation of a programme, or of all, and come back."""
    whole = "whole" in request.form
    reconciliation.ask(core(), programme=request.form.get("programme") or None, whole=whole)
    return redirect("/books?rung=yes", 303)


def _findings(offers: list[Offer]) -> list[tuple[Offer, Finding | None, Counter[str]]]:
    """Each offer with what two looks agree on; without findings while the gate is away."""
    try:
        found: list[Finding | None] = [*examine(core(), offers=offers)]
    except TryAgain:
        found = [None for _ in offers]
    return [
        (offer, one, Counter(each.kind for each in one.differences) if one else Counter())
        for offer, one in zip(offers, found, strict=True)
    ]


def _args(programme: str) -> dict[str, Any]:
    filled = {name: value for name, value in request.args.items() if value}
    filled.setdefault("programme", programme)
    filled.setdefault("group_by", GroupBy.AREA.value)
    wrong = LeverageArgs().validate(filled)
    if "programme" in wrong:
        raise NoSuchThing
    if wrong:
        raise InvalidInput(extra={"errors": in_our_words(wrong)})
    args: dict[str, Any] = LeverageArgs().load(filled)
    return args
