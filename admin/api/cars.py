"""Subsidies for cars: applications, their first check, back or refused."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from marshmallow import fields

from admin.api.keys import optional_key
from admin.schemas import ProposalSchema, one_of
from voucher_service.campaigns.plans import MAX_QUOTA
from voucher_service.kernel.ids import CampaignId
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.model import (
    CORRECTIONS,
    ApplicationId,
    ApplicationStatus,
)
from voucher_service.tradein.applications.pools import ApplicationPoolPlan
from voucher_service.tradein.qualifications import Every
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import (
    CodeField,
    CountField,
    DayField,
    FenField,
    InstantField,
    NameField,
    TextField,
)
from voucher_service.web.idempotency import replay_header
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

_PREFIX = "/api/v1/trade-in/applications"
car_pools = ApiBlueprint("car_pools", __name__, url_prefix="/api/v1/campaigns")
cars = ApiBlueprint("cars", __name__, url_prefix=_PREFIX)
car_checking = ApiBlueprint("car_checking", __name__, url_prefix=_PREFIX)

_HANDED_IN = [one for one in ApplicationStatus if one is not one.DRAFT]


class CarPoolPlanSchema(Schema):
    """A pool of places for applications of its policy's scheme. Every period (`day week month`)
    releases `release_quota` places, from `opens` on its first day: a day's until `closes`, a week's
    and a month's until the period ends.
    """

    title = NameField(required=True)
    policy = CodeField(required=True, maximum=64)
    every = fields.String(required=True, validate=one_of(*map(str, Every)))
    release_quota = CountField(required=True, minimum=1, maximum=MAX_QUOTA)
    opens = fields.Time(format="%H:%M", load_default=time(0))
    closes = fields.Time(format="%H:%M", load_default=time(23, 59))


class CarPoolSchema(Schema):
    """A pool as it is planned; publishing reserves `most_fen` for each of its `quota` places."""

    offer_id = fields.UUID(attribute="offer.id")
    title = fields.String(attribute="offer.title")
    scheme = fields.String()
    policy = fields.String(attribute="policy.id")
    quota = CountField(attribute="offer.quota")
    most_fen = FenField(attribute="offer.face_value")


class BoughtSchema(Schema):
    """The new car; buyer and plate are masked."""

    vin = fields.String(required=True)
    plate = fields.String(required=True)
    energy = fields.String(required=True)
    engine_ml = CountField(required=True, allow_none=True)
    vehicle = fields.String(required=True)
    seats = CountField(required=True)
    listed = fields.Boolean(required=True)
    invoice = fields.String(required=True)
    area = fields.String(required=True)
    buyer = fields.String(required=True)
    price_fen = FenField(required=True, attribute="price")
    tax_fen = FenField(required=True, attribute="tax")
    invoiced_on = DayField(required=True)
    registered_on = DayField(required=True)


class GivenUpSchema(Schema):
    """The old car; owner and plate are masked."""

    vin = fields.String(required=True)
    plate = fields.String(required=True)
    energy = fields.String(required=True)
    registered_on = DayField(required=True)
    owned_since = DayField(required=True)
    owner = fields.String(required=True)
    paper = fields.String(required=True)
    parted_on = DayField(required=True)
    closed_on = DayField(required=True)


class CarApplicationSchema(Schema):
    """An application. `subsidy_fen` is what was decided when it was handed in or checked last; the
    office's next step is due by the end of `due_on`.
    """

    id = fields.UUID(required=True)
    scheme = fields.String(required=True)
    status = fields.String(required=True)
    area = fields.String(required=True)
    policy = fields.String(required=True, allow_none=True, attribute="policy_id")
    subsidy_fen = FenField(required=True, allow_none=True, attribute="subsidy")
    new = fields.Nested(BoughtSchema, required=True, attribute="bought")
    old = fields.Nested(GivenUpSchema, required=True, allow_none=True, attribute="given_up")
    corrections = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    reason = fields.String(required=True)
    filed_at = InstantField(required=True)
    submitted_at = InstantField(required=True)
    decided_at = InstantField(required=True, allow_none=True)
    correct_until = InstantField(required=True, allow_none=True)
    due_on = DayField(required=True, allow_none=True)
    paid_at = InstantField(required=True, allow_none=True)


class CarFindingSchema(Schema):
    """What the machine found. `weight`: against doubt."""

    what = fields.String(required=True)
    weight = fields.String(required=True)
    part = fields.String(required=True)


class CarFileSchema(Schema):
    """An application with what is found in it today."""

    application = fields.Nested(CarApplicationSchema, required=True)
    expected_fen = FenField(required=True, attribute="judged.quote.subsidy")
    findings = fields.List(
        fields.Nested(CarFindingSchema), required=True, attribute="judged.findings"
    )


class CarArgs(PageArgs):
    """Which applications: those that stand so."""

    state = fields.String(
        load_default=str(ApplicationStatus.SUBMITTED), validate=one_of(*_HANDED_IN)
    )


class CarBackSchema(Schema):
    """A word about all of it, and a reason for each thing to correct, by its name."""

    reason = TextField(required=True, maximum=200)
    corrections = fields.Dict(
        keys=fields.String(validate=one_of(*CORRECTIONS)),
        values=TextField(maximum=200),
        load_default=dict,
    )


class CarReasonSchema(Schema):
    """A reason that the applicant reads."""

    reason = TextField(required=True, minimum=2, maximum=200)


@car_pools.route("/<uuid:campaign>/application-pools", methods=["POST"])
@car_pools.arguments(CarPoolPlanSchema)
@car_pools.response(201, CarPoolSchema)
def plan_pool(body: dict[str, Any], campaign: UUID) -> Any:
    """Add a pool of places for applications to the draft of a campaign of kind `trade_in`."""
    plan = ApplicationPoolPlan(every=Every(body.pop("every")), **body)
    made = service.create_pool(
        core(), actor=actor(), campaign=CampaignId(campaign), plan=plan, key=optional_key()
    )
    return made.value, 201, replay_header(made.replayed)


@cars.route("", methods=["GET"])
@cars.arguments(CarArgs, location="query")
@cars.response(200, page_of(CarApplicationSchema))
def list_cars(args: dict[str, Any]) -> Any:
    """Applications of the caller's area that stand so, longest waiting first."""
    status = ApplicationStatus(args.pop("state"))
    return service.page(core(), actor=actor(), status=status, **args)


@cars.route("/<uuid:application>", methods=["GET"])
@cars.response(200, CarFileSchema)
def get_car(application: UUID) -> Any:
    """One application."""
    return service.read(core(), actor=actor(), application=ApplicationId(application))


@car_checking.route("/<uuid:application>/precheck", methods=["POST"])
@car_checking.response(202, ProposalSchema)
def precheck(application: UUID) -> Any:
    """The papers bear it out: ask the city to approve the subsidy."""
    id = ApplicationId(application)
    return {"approval_id": service.precheck(core(), actor=actor(), application=id)}


@car_checking.route("/<uuid:application>/send-back", methods=["POST"])
@car_checking.arguments(CarBackSchema)
@car_checking.response(204)
def send_back(body: dict[str, Any], application: UUID) -> None:
    """Give it back with a reason for each thing to correct."""
    service.send_back(core(), actor=actor(), application=ApplicationId(application), **body)


@car_checking.route("/<uuid:application>/reject", methods=["POST"])
@car_checking.arguments(CarReasonSchema)
@car_checking.response(204)
def reject(body: dict[str, Any], application: UUID) -> None:
    """Refuse it for good."""
    service.reject(core(), actor=actor(), application=ApplicationId(application), **body)


@car_checking.route("/<uuid:application>/card/accept", methods=["POST"])
@car_checking.response(204)
def accept_card(application: UUID) -> None:
    """The card named after the bank refused one is the applicant's own: it can be paid."""
    service.accept_card(core(), actor=actor(), application=ApplicationId(application))


@car_checking.route("/<uuid:application>/card/return", methods=["POST"])
@car_checking.arguments(CarReasonSchema)
@car_checking.response(204)
def return_card(body: dict[str, Any], application: UUID) -> None:
    """Ask for yet another card."""
    service.return_card(core(), actor=actor(), application=ApplicationId(application), **body)
