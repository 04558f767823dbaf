"""Trade-in qualifications: claim, show, give up; and the line of a full pool."""

from __future__ import annotations

from math import ceil
from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields

from voucher_service.i18n import mark
from voucher_service.kernel.page import Page
from voucher_service.tradein import service
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Qualification, QualificationId, Waiting
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, FenField, InstantField
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core, now

from ..crowd import qualifications
from ..limiting import not_too_often
from ..qualification_codes import fresh
from ..schemas import FreshCodeSchema

blueprint = ApiBlueprint("qualifications_api", __name__, url_prefix="/api/v1/trade-in")


class CategorySchema(Schema):
    """What a qualification is wanted for."""

    category = fields.String(
        required=True,
        validate=ma.validate.OneOf(list(Category), error=mark("没有这个品类。")),
    )


class QualificationSchema(Schema):
    """One qualification of the resident's own. `status`: claimed frozen used lapsed given_up.
    `most_fen` is the most that it can bring; what it brings depends on what is bought.
    """

    id = fields.UUID()
    category = fields.String()
    status = fields.Function(lambda one: str(one.shown_status(now())))
    title = fields.String(attribute="pool.offer.title")
    policy = fields.String(attribute="pool.policy.id")
    most_fen = FenField(attribute="pool.most")
    claimed_at = InstantField()
    valid_until = InstantField()


class WaitingSchema(Schema):
    """A place in the line of a category's pool, from 1. Who comes to the front is given a
    qualification and told by SMS.
    """

    category = fields.String()
    title = fields.String(attribute="pool.offer.title")
    place = CountField()


class LineSchema(Schema):
    """The lines that the resident stands in: at most one a category."""

    items = fields.List(fields.Nested(WaitingSchema))


@blueprint.route("/qualifications", methods=["POST"])
@blueprint.arguments(CategorySchema)
@blueprint.response(201, QualificationSchema)
def claim(body: dict[str, Any]) -> tuple[Qualification, int, dict[str, str]]:
    """Take one qualification of a category. 409 `pool_full`: there is a line to wait in."""
    key = idempotency_key()
    not_too_often(core(), actor())
    made = qualifications().claim(actor=actor(), category=Category(body["category"]), key=key)
    return made.value, 201, replay_header(made.replayed)


@blueprint.route("/qualifications", methods=["GET"])
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(QualificationSchema))
def show_all(args: dict[str, Any]) -> Page[Qualification]:
    """My qualifications, newest claim first."""
    return service.mine(core(), actor=actor(), cursor=args["cursor"], limit=args["limit"])


@blueprint.route("/qualifications/<uuid:id>", methods=["GET"])
@blueprint.response(200, QualificationSchema)
def one(id: UUID) -> Qualification:
    """One of my qualifications; another resident's is not found."""
    return service.get(core(), actor=actor(), qualification=QualificationId(id))


@blueprint.route("/qualifications/<uuid:id>", methods=["DELETE"])
@blueprint.response(200, QualificationSchema)
@blueprint.alt_response(409, response="DEFAULT_ERROR")
@blueprint.alt_response(410, response="DEFAULT_ERROR")
def give_up(id: UUID) -> Qualification:
    """Give an unused one up; again gives the same answer."""
    return service.give_up(core(), actor=actor(), qualification=QualificationId(id))


@blueprint.route("/qualifications/<uuid:id>/code", methods=["GET"])
@blueprint.response(200, FreshCodeSchema)
@blueprint.alt_response(410, response="DEFAULT_ERROR")
def code(id: UUID) -> dict[str, Any]:
    """The code of this moment."""
    found = service.get(core(), actor=actor(), qualification=QualificationId(id))
    made = fresh(found)
    left = (made.valid_until - now()).total_seconds()
    return {
        "text": made.text,
        "short": made.short,
        "valid_from": made.valid_from,
        "valid_until": made.valid_until,
        "expires_in_seconds": max(0, ceil(left)),
    }


@blueprint.route("/waiting", methods=["POST"])
@blueprint.arguments(CategorySchema)
@blueprint.response(201, WaitingSchema)
def wait(body: dict[str, Any]) -> Waiting:
    """Stand in the line of the category's pool; again gives the same place."""
    not_too_often(core(), actor())
    return service.wait(core(), actor=actor(), category=Category(body["category"]))


@blueprint.route("/waiting", methods=["GET"])
@blueprint.response(200, LineSchema)
def waiting() -> dict[str, Any]:
    """The lines that I stand in."""
    return {"items": service.waiting(core(), actor=actor())}


@blueprint.route("/waiting/<category>", methods=["DELETE"])
@blueprint.response(204)
def leave(category: str) -> None:
    """Leave the line of a category; who stands in none has left."""
    if category in set(Category):
        service.leave(core(), actor=actor(), category=Category(category))
