"""Programmes and funders: what a bureau announces, and who pays."""

from __future__ import annotations

from typing import Any

from admin.paging import cut
from admin.schemas import FunderSchema, ProgrammeSchema
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Level
from voucher_service.campaigns import service as campaigns
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.schemas import PageArgs, page_of
from voucher_service.web.site import core

programmes = ApiBlueprint("programmes", __name__, url_prefix="/api/v1")
announcing = ApiBlueprint("announcing", __name__, url_prefix="/api/v1")


@programmes.route("/programmes", methods=["GET"])
@programmes.arguments(PageArgs, location="query")
@programmes.response(200, page_of(ProgrammeSchema))
def list_programmes(args: dict[str, Any]) -> Any:
    """All programmes, newest first."""
    return cut(campaigns.programmes(core()), args, lambda one: one.slug)


@announcing.route("/programmes", methods=["POST"])
@announcing.arguments(ProgrammeSchema)
@announcing.response(201, ProgrammeSchema)
def announce(body: dict[str, Any]) -> Any:
    """Announce a programme."""
    body["name_en"] = body["name_en"] or body["name"]
    return campaigns.create_programme(core(), actor=actor(), **body)


@programmes.route("/funders", methods=["GET"])
@programmes.arguments(PageArgs, location="query")
@programmes.response(200, page_of(FunderSchema))
def list_funders(args: dict[str, Any]) -> Any:
    """All funders, by code."""
    return cut(budgets.funders(core()), args, lambda one: one.code)


@announcing.route("/funders", methods=["POST"])
@announcing.arguments(FunderSchema)
@announcing.response(201, FunderSchema)
def enter_funder(body: dict[str, Any]) -> Any:
    """Enter a funder; the same code again gives the one that stands."""
    level = Level(body.pop("level"))
    return budgets.create_funder(core(), actor=actor(), level=level, **body)
