"""Merchants: applications and their checks, and holds on payments. Suspending is a stop."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields

from admin.schemas import ProposalSchema, one_of
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants.accounts import HoldId
from voucher_service.merchants.onboarding import (
    FINDINGS,
    MerchantApplicationId,
    MerchantApplicationStatus,
)
from voucher_service.merchants.service import holding, listing, reviewing
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import InstantField, TextField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

_APPLICATIONS = "/api/v1/merchants/applications"
merchants = ApiBlueprint("merchants", __name__, url_prefix="/api/v1/merchants")
holding_back = ApiBlueprint("holding_back", __name__, url_prefix="/api/v1/merchants")
applications = ApiBlueprint("applications", __name__, url_prefix=_APPLICATIONS)
checking = ApiBlueprint("checking", __name__, url_prefix=_APPLICATIONS)

_HANDED_IN = [one for one in MerchantApplicationStatus if one is not one.DRAFT]


class PlannedShopSchema(Schema):
    """A shop as applied for; `area` is a division code."""

    name = fields.String(required=True)
    area = fields.String(required=True)
    trade = fields.String(required=True)
    address = fields.String(required=True)


class MerchantApplicationSchema(Schema):
    """An application. The mobile and the legal person are masked."""

    id = fields.UUID(required=True)
    status = fields.String(required=True)
    name = fields.String(required=True, attribute="business.name")
    uscc = fields.String(required=True, attribute="business.uscc")
    size_class = fields.String(required=True, attribute="business.size_class")
    legal_person = fields.String(required=True, attribute="business.legal_person")
    mobile = fields.String(required=True)
    area = fields.String(required=True)
    shops = fields.List(fields.Nested(PlannedShopSchema), required=True)
    account_last4 = fields.String(required=True, attribute="account.last4")
    bank = fields.String(required=True, attribute="account.bank")
    findings = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    reason = fields.String(required=True)
    submitted_at = InstantField(required=True)
    decided_at = InstantField(required=True, allow_none=True)
    merchant_id = fields.UUID(required=True, allow_none=True)


class ApplicationArgs(PageArgs):
    """Which applications: those that stand so."""

    state = fields.String(
        load_default=str(MerchantApplicationStatus.SUBMITTED), validate=one_of(*_HANDED_IN)
    )


class SendBackSchema(Schema):
    """A word about all of it, and a reason for each thing to correct, by its name."""

    reason = TextField(required=True, maximum=200)
    findings = fields.Dict(
        keys=fields.String(validate=one_of(*FINDINGS)),
        values=TextField(maximum=200),
        load_default=dict,
    )


class MerchantReasonSchema(Schema):
    """A reason that is kept on record."""

    reason = TextField(required=True, minimum=2, maximum=200)


class MerchantSchema(Schema):
    """A merchant. `status`: active suspended."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    uscc = fields.String(required=True)
    size_class = fields.String(required=True)
    status = fields.String(required=True)


class HoldSchema(Schema):
    """A hold on payments. `suspension`: it ends with the suspension; `until` null: in force."""

    id = fields.UUID(required=True)
    reason = fields.String(required=True)
    suspension = fields.Boolean(required=True)
    since = InstantField(required=True)
    until = InstantField(required=True, allow_none=True)


class MerchantFileSchema(Schema):
    """A merchant with the holds on its payments, newest first."""

    merchant = fields.Nested(MerchantSchema, required=True)
    holds = fields.List(fields.Nested(HoldSchema), required=True)


class MerchantArgs(PageArgs):
    """Which merchants: `q` in the name, or the whole credit code."""

    q = TextField(load_default="", minimum=0, maximum=80)


@applications.route("", methods=["GET"])
@applications.arguments(ApplicationArgs, location="query")
@applications.response(200, page_of(MerchantApplicationSchema))
def list_applications(args: dict[str, Any]) -> Any:
    """Applications of the caller's area that stand so, longest waiting first."""
    status = MerchantApplicationStatus(args.pop("state"))
    return reviewing.page(core(), actor=actor(), status=status, **args)


@applications.route("/<uuid:application>", methods=["GET"])
@applications.response(200, MerchantApplicationSchema)
def get_application(application: UUID) -> Any:
    """One application."""
    return reviewing.get(core(), actor=actor(), application=MerchantApplicationId(application))


@checking.route("/<uuid:application>/precheck", methods=["POST"])
@checking.response(202, ProposalSchema)
def precheck(application: UUID) -> Any:
    """It is right: ask the city to admit the merchant."""
    id = MerchantApplicationId(application)
    return {"approval_id": reviewing.precheck(core(), actor=actor(), application=id)}


@checking.route("/<uuid:application>/send-back", methods=["POST"])
@checking.arguments(SendBackSchema)
@checking.response(204)
def send_back(body: dict[str, Any], application: UUID) -> None:
    """Give it back with a reason for each thing to correct."""
    reviewing.send_back(
        core(), actor=actor(), application=MerchantApplicationId(application), **body
    )


@checking.route("/<uuid:application>/reject", methods=["POST"])
@checking.arguments(MerchantReasonSchema)
@checking.response(204)
def reject(body: dict[str, Any], application: UUID) -> None:
    """Refuse it for good."""
    reviewing.reject(core(), actor=actor(), application=MerchantApplicationId(application), **body)


@merchants.route("", methods=["GET"])
@merchants.arguments(MerchantArgs, location="query")
@merchants.response(200, page_of(MerchantSchema))
def list_merchants(args: dict[str, Any]) -> Any:
    """Merchants with a shop in the caller's area, by name."""
    return listing.merchants(core(), actor=actor(), text=args.pop("q"), **args)


@merchants.route("/<uuid:merchant>", methods=["GET"])
@merchants.response(200, MerchantFileSchema)
def get_merchant(merchant: UUID) -> Any:
    """One merchant, and what holds its payments."""
    return listing.merchant_file(core(), actor=actor(), merchant=MerchantId(merchant))


@holding_back.route("/<uuid:merchant>/holds", methods=["POST"])
@holding_back.arguments(MerchantReasonSchema)
@holding_back.response(204)
def hold(body: dict[str, Any], merchant: UUID) -> None:
    """Hold its payments while its shops go on: one person is enough."""
    holding.hold_payments(core(), actor=actor(), merchant=MerchantId(merchant), **body)


@holding_back.route("/holds/<uuid:hold>/lift", methods=["POST"])
@holding_back.response(202, ProposalSchema)
def lift(hold: UUID) -> Any:
    """Ask a second person to let the payments go on."""
    return {"approval_id": holding.ask_to_lift(core(), actor=actor(), hold=HoldId(hold))}
