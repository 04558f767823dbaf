"""Emergency stops: stop at once, see what is stopped, ask a second person to let it go on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields

from admin.schemas import ProposalSchema, one_of
from voucher_service.campaigns import service as campaigns
from voucher_service.i18n import mark
from voucher_service.stops import service
from voucher_service.stops.model import Scope, Status, StopId, What
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import InstantField, TextField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

stops = ApiBlueprint("stops", __name__, url_prefix="/api/v1/stops")
stopping = ApiBlueprint("stopping", __name__, url_prefix="/api/v1/stops")

BOTH = "both"


class StopSchema(Schema):
    """A stop. `scope`: campaign programme merchant everything; `what`: claims redemptions;
    `status`: in_force lifted. `stopped_by` null: the system itself. `area` empty: the whole city.
    """

    id = fields.UUID(required=True)
    scope = fields.String(required=True)
    subject_id = fields.UUID(required=True)
    what = fields.String(required=True)
    title = fields.String(required=True)
    area = fields.String(required=True)
    reason = fields.String(required=True)
    status = fields.String(required=True)
    stopped_by = fields.UUID(required=True, allow_none=True)
    stopped_at = InstantField(required=True)
    lifted_by = fields.UUID(required=True, allow_none=True)
    lifted_at = InstantField(required=True, allow_none=True)


class StopsSchema(Schema):
    """What was stopped by one call."""

    items = fields.List(fields.Nested(StopSchema), required=True)


class NewStopSchema(Schema):
    """What to stop. `subject_id` is the campaign, programme or merchant; none for everything."""

    scope = fields.String(required=True, validate=one_of(*Scope))
    subject_id = fields.UUID(load_default=None, allow_none=True)
    what = fields.String(required=True, validate=one_of(*What, BOTH))
    reason = TextField(required=True, maximum=200)

    @ma.validates_schema
    def _has_subject(self, data: dict[str, Any], **_: Any) -> None:
        if (data["scope"] == Scope.EVERYTHING) != (data["subject_id"] is None):
            raise ma.ValidationError({"subject_id": [mark("停全部时不填，其余都要填。")]})


class StopArgs(PageArgs):
    """Which stops: `state`, or all."""

    state = fields.String(load_default=None, validate=one_of(*Status))


@stops.route("", methods=["GET"])
@stops.arguments(StopArgs, location="query")
@stops.response(200, page_of(StopSchema))
def list_stops(args: dict[str, Any]) -> Any:
    """Stops of the caller's area and of the whole city, newest first."""
    status = Status(args["state"]) if args["state"] else None
    return service.page(
        core(), actor=actor(), status=status, cursor=args["cursor"], limit=args["limit"]
    )


@stopping.route("", methods=["POST"])
@stopping.arguments(NewStopSchema)
@stopping.response(201, StopsSchema)
def stop(body: dict[str, Any]) -> Any:
    """Stop at once: one person is enough. What residents hold stays theirs."""
    made = campaigns.stop(
        core(),
        actor=actor(),
        scope=Scope(body["scope"]),
        subject=body["subject_id"],
        what=kinds(body["what"]),
        reason=body["reason"],
    )
    return {"items": made}


@stopping.route("/<uuid:stop>/resume", methods=["POST"])
@stopping.response(202, ProposalSchema)
def resume(stop: UUID) -> Any:
    """Ask a second person to let it go on; who stopped it may ask but not sign."""
    proposal = campaigns.ask_to_lift(core(), actor=actor(), stop=StopId(stop))
    return {"approval_id": proposal}


def kinds(what: str) -> list[What]:
    """What one word of a call or a form stops."""
    return list(What) if what == BOTH else [What(what)]
