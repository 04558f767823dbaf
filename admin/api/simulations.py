"""The simulation of a campaign: what it can cost, what it probably will, how it differs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields

from voucher_service.campaigns import service
from voucher_service.kernel.ids import CampaignId
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, FenField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

simulations = ApiBlueprint("simulations", __name__, url_prefix="/api/v1/campaigns")


class ForeseenShareSchema(Schema):
    """What one funder can come to pay, and what it gives."""

    funder = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    worst_fen = fields.Integer(required=True)


class ForeseenDaysSchema(Schema):
    """The most that can be issued on each day from one to another, both within."""

    from_ = fields.String(data_key="from", attribute="from", required=True)
    to = fields.String(required=True)
    worst_fen = fields.Integer(required=True)


class ForeseenMonthSchema(Schema):
    """The most that can be issued in a month, `YYYY-MM`."""

    month = fields.String(required=True)
    worst_fen = fields.Integer(required=True)


class ForeseenMostSchema(Schema):
    """The most that one resident can get."""

    vouchers = CountField(required=True)
    fen = fields.Integer(required=True)


class ForeseenDiscountSchema(Schema):
    """The face of an offer as a share of its threshold, in basis points. A steep one takes two
    signatures whatever the amount.
    """

    title = fields.String(required=True)
    bps = fields.Integer(required=True)
    steep = fields.Boolean(required=True)


class ForeseenBeforeSchema(Schema):
    """The last campaign of the programme, or else of the area."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    opens_on = fields.String(required=True)


class ForeseenExpectedSchema(Schema):
    """What it comes to if people do as the last time. Null: nothing of that kind is known yet, or
    it is never exhausted. `given_away_bps`: of the orders, the share that vouchers pay; orders are
    as of the last reconciliation.
    """

    claimed_bps = fields.Integer(required=True)
    redeemed_bps = fields.Integer(required=True, allow_none=True)
    half_redeemed_days = fields.Integer(required=True, allow_none=True)
    issued_fen = fields.Integer(required=True)
    redeemed_fen = fields.Integer(required=True, allow_none=True)
    lapsed_fen = fields.Integer(required=True, allow_none=True)
    given_away_bps = fields.Integer(required=True, allow_none=True)
    daily_fen = fields.Integer(required=True)
    exhausted_on = fields.String(required=True, allow_none=True)


class ForeseenDifferenceSchema(Schema):
    """A term that is not as the last time; `flagged` when it gives away more."""

    offer = fields.String(required=True)
    field = fields.String(required=True)
    before = fields.Raw(required=True)
    after = fields.Raw(required=True)
    flagged = fields.Boolean(required=True)


class SimulationSchema(Schema):
    """What the signers of a campaign were shown; of a draft, what they would be shown now."""

    worst_case_fen = FenField(required=True)
    funders = fields.List(fields.Nested(ForeseenShareSchema), required=True)
    days = fields.List(fields.Nested(ForeseenDaysSchema), required=True)
    months = fields.List(fields.Nested(ForeseenMonthSchema), required=True)
    per_resident = fields.Nested(ForeseenMostSchema, required=True)
    discounts = fields.List(fields.Nested(ForeseenDiscountSchema), required=True)
    before = fields.Nested(ForeseenBeforeSchema, required=True, allow_none=True)
    expected = fields.Nested(ForeseenExpectedSchema, required=True, allow_none=True)
    differences = fields.List(fields.Nested(ForeseenDifferenceSchema), required=True)


@simulations.route("/<uuid:campaign>/simulation", methods=["GET"])
@simulations.response(200, SimulationSchema)
def show(campaign: UUID) -> dict[str, Any]:
    """What the campaign can cost, what it probably will, and how it differs from the last one."""
    return service.simulation(core(), actor=actor(), campaign=CampaignId(campaign))
