"""Alarms: what the system noticed; who looks after it; letting payouts go on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields

from admin.schemas import ProposalSchema, one_of
from voucher_service.alarms import service
from voucher_service.alarms.model import Alarm, AlarmId
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import InstantField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

alarms = ApiBlueprint("alarms", __name__, url_prefix="/api/v1/alarms")
handling = ApiBlueprint("alarm-handling", __name__, url_prefix="/api/v1/alarms")
closing = ApiBlueprint("alarm-closing", __name__, url_prefix="/api/v1/alarms")
payouts = ApiBlueprint("payouts", __name__, url_prefix="/api/v1/payouts")

OPEN = "open"
STATES = (OPEN, "all")


class AlarmSchema(Schema):
    """An alarm. `kind`: ledger books canary stop privacy sign_in log; `status`: raised acknowledged
    cleared. `clean_at`: a later look found nothing wrong. `area` empty: the whole city.
    """

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    area = fields.String(required=True)
    detail = fields.Dict(required=True)
    status = fields.String(required=True)
    stops_payouts = fields.Boolean(required=True)
    raised_at = InstantField(required=True)
    clean_at = InstantField(required=True, allow_none=True)
    acknowledged_by = fields.UUID(required=True, allow_none=True)
    cleared_at = InstantField(required=True, allow_none=True)


class AlarmArgs(PageArgs):
    """Which alarms: those that are open, or all."""

    state = fields.String(load_default=OPEN, validate=one_of(*STATES))


@alarms.route("", methods=["GET"])
@alarms.arguments(AlarmArgs, location="query")
@alarms.response(200, page_of(AlarmSchema))
def list_alarms(args: dict[str, Any]) -> Any:
    """Alarms of the caller's area, newest first."""
    return service.page(
        core(),
        actor=actor(),
        still_open=args["state"] == OPEN,
        cursor=args["cursor"],
        limit=args["limit"],
    )


@alarms.route("/<uuid:alarm>", methods=["GET"])
@alarms.response(200, AlarmSchema)
def show(alarm: UUID) -> Alarm:
    """One alarm."""
    return service.get(core(), actor=actor(), alarm=AlarmId(alarm))


@handling.route("/<uuid:alarm>/acknowledge", methods=["POST"])
@handling.response(200, AlarmSchema)
def acknowledge(alarm: UUID) -> Alarm:
    """Say that the caller looks after it."""
    return service.acknowledge(core(), actor=actor(), alarm=AlarmId(alarm))


@closing.route("/<uuid:alarm>/close", methods=["POST"])
@closing.response(200, AlarmSchema)
def close(alarm: UUID) -> Alarm:
    """Close what was looked into; most alarms end with their cause."""
    return service.close(core(), actor=actor(), alarm=AlarmId(alarm))


@payouts.route("/resume", methods=["POST"])
@payouts.response(202, ProposalSchema)
def resume() -> Any:
    """Ask a second person to let payouts go on, once the books were found clean again."""
    return {"approval_id": service.propose_resume(core(), actor=actor())}
