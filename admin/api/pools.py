"""Pools of trade-in qualifications, planned in a draft like offers."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from admin.api.keys import optional_key
from admin.schemas import one_of
from voucher_service.campaigns.plans import MAX_QUOTA
from voucher_service.kernel.ids import CampaignId
from voucher_service.tradein import service
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import (
    MOST_OVERBOOK_BPS,
    MOST_RECLAIMS,
    Every,
    PoolPlan,
)
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CodeField, CountField, DayField, FenField, NameField
from voucher_service.web.idempotency import replay_header
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

pools = ApiBlueprint("pools", __name__, url_prefix="/api/v1/campaigns")


class PoolPlanSchema(Schema):
    """A pool of qualifications. Every period (`day week month`) releases `release_quota`, from
    `opens` on its first day: a day's until `closes`, a week's and a month's until the period ends.
    `overbook_bps`: how many more are given out than the money pays at the most that one may cost.
    `reclaims`: claims beyond the units that a person may have, after a lapse or a give-up.
    """

    title = NameField(required=True)
    policy = CodeField(required=True, maximum=64)
    categories = fields.List(
        fields.String(validate=one_of(*map(str, Category))),
        required=True,
        validate=validate.Length(1, len(Category)),
    )
    every = fields.String(required=True, validate=one_of(*map(str, Every)))
    release_quota = CountField(required=True, minimum=1, maximum=MAX_QUOTA)
    valid_days = CountField(required=True, minimum=1, maximum=366)
    overbook_bps = CountField(load_default=0, maximum=MOST_OVERBOOK_BPS)
    reclaims = CountField(load_default=1, maximum=MOST_RECLAIMS)
    opens = fields.Time(format="%H:%M", load_default=time(10))
    closes = fields.Time(format="%H:%M", load_default=time(23))


class PoolSchema(Schema):
    """A pool as it is planned. `set_aside_fen` is the money behind each of its `quota`
    qualifications, of which one may cost `most_fen`; the releases are those of its offer.
    """

    offer_id = fields.UUID(attribute="offer.id")
    title = fields.String(attribute="offer.title")
    policy = fields.String(attribute="policy.id")
    categories = fields.List(fields.String())
    quota = CountField(attribute="offer.quota")
    set_aside_fen = FenField(attribute="offer.face_value")
    most_fen = FenField(attribute="most")
    overbook_bps = CountField()
    reclaims = CountField()
    valid_days = CountField(attribute="offer.valid_days")
    ends_on = DayField()


@pools.route("/<uuid:campaign>/pools", methods=["POST"])
@pools.arguments(PoolPlanSchema)
@pools.response(201, PoolSchema)
def pool(body: dict[str, Any], campaign: UUID) -> Any:
    """Add a pool to the draft of a campaign of kind `trade_in`."""
    categories = tuple(Category(one) for one in body.pop("categories"))
    plan = PoolPlan(categories=categories, every=Every(body.pop("every")), **body)
    made = service.create_pool(
        core(), actor=actor(), campaign=CampaignId(campaign), plan=plan, key=optional_key()
    )
    return made.value, 201, replay_header(made.replayed)
