"""Policies, what-ifs, and what a later version adds to past decisions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from admin.paging import cut
from admin.schemas import ProposalSchema
from voucher_service.infra.data_files import DataFileInvalid
from voucher_service.kernel.ids import CampaignId, RedemptionId
from voucher_service.tradein import file_words, rule_words, shelf
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import DraftInvalid, Revision, RevisionId, TrialId
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import (
    CodeField,
    CountField,
    DayField,
    FenField,
    InstantField,
    TextField,
)
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

policies = ApiBlueprint("policies", __name__, url_prefix="/api/v1/policies")
revisions = ApiBlueprint("revisions", __name__, url_prefix="/api/v1/revisions")
returning = ApiBlueprint("revision-returns", __name__, url_prefix="/api/v1/revisions")
planning = ApiBlueprint("revision-planning", __name__, url_prefix="/api/v1/revisions")

_DRAFT_LONGEST = 20_000


class PolicySchema(Schema):
    """A published version. `published`: whether its amounts are; else they are assumed."""

    id = fields.String(required=True)
    name = fields.Function(lambda one: one.name.spelt(locale()))
    scheme = fields.String(required=True)
    areas = fields.List(fields.String(), required=True)
    source = fields.String(required=True)
    published_on = DayField(required=True)
    first = DayField(required=True)
    last = DayField(required=True)
    file_by = DayField(required=True, allow_none=True)
    published = fields.Boolean(required=True)
    rules = fields.Function(
        lambda one: [": ".join(said) for said in rule_words.rules(one, locale())]
    )
    conditions = fields.Function(lambda one: rule_words.conditions(one, locale()))


class DraftSchema(Schema):
    """A draft as the text of its file, the days of purchase, both included, and a division."""

    draft = fields.String(required=True, validate=validate.Length(1, _DRAFT_LONGEST))
    first_on = DayField(required=True)
    last_on = DayField(required=True)
    area = CodeField(load_default="", pattern=r"\d{4}|\d{6}|\d{9}", maximum=9)


class EffectSchema(Schema):
    """Some decisions: how many, what they cost, how many get more and less."""

    decisions = CountField(required=True)
    before_fen = FenField(required=True, attribute="before")
    after_fen = FenField(required=True, attribute="after")
    gained = CountField(required=True)
    lost = CountField(required=True)


class EffectsSchema(Schema):
    """All decisions, and told apart by category, price (yuan at which a band starts), area and
    energy.
    """

    total = fields.Nested(EffectSchema, required=True)
    by = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.Nested(EffectSchema)),
        required=True,
    )


class TrialSchema(Schema):
    """A draft on its way through past decisions, newest first. `done`: the sums are whole."""

    id = fields.UUID(required=True)
    done = fields.Boolean(required=True)
    seen = CountField(required=True)
    looked_back_to = InstantField(required=True, allow_none=True)
    effects = fields.Nested(EffectsSchema, required=True)


class RevisionSchema(Schema):
    """A revision. `status`: computing ready proposed approved cancelled superseded. `more_fen` is
    missing, `less_fen` was too much and is only listed.
    """

    id = fields.UUID(required=True)
    policy = fields.String(required=True, attribute="policy_id")
    scheme = fields.String(required=True)
    campaign_id = fields.UUID(required=True)
    area = fields.String(required=True)
    known_until = DayField(required=True)
    status = fields.String(required=True)
    seen = CountField(required=True)
    changed = CountField(required=True)
    more_fen = FenField(required=True, attribute="more")
    less_fen = FenField(required=True, attribute="less")
    list_sha256 = fields.String(required=True, allow_none=True)
    created_by = fields.UUID(required=True)
    created_at = InstantField(required=True)
    decided_at = InstantField(required=True, allow_none=True)


class RevisionLineSchema(Schema):
    """A decision that changes. `state`: listed unclaimed payable sent paid; cancelled or returned
    with its unit. `kept_fen` is paid of it, or will be, after refunds and returns.
    """

    revision_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    subject_id = fields.UUID(required=True)
    category = fields.String(required=True)
    area = fields.String(required=True)
    before_fen = FenField(required=True, attribute="before")
    after_fen = FenField(required=True, attribute="after")
    kept_fen = FenField(required=True, attribute="kept")
    reasons = fields.List(fields.String(), required=True)
    state = fields.String(required=True)
    paid_at = InstantField(required=True, allow_none=True)


class DifferencesSchema(Schema):
    """What approved revisions add to one sale."""

    items = fields.List(fields.Nested(RevisionLineSchema), required=True)


class ReturnSchema(Schema):
    """What came back of a difference that was paid, and the bank's reference."""

    amount_fen = FenField(required=True, minimum=1)
    reference = TextField(required=True, maximum=64)


class RevisionBeginSchema(Schema):
    """Which policy, the campaign whose lines pay, and until when policies count as known."""

    policy = fields.String(required=True)
    campaign_id = fields.UUID(required=True)
    known_until = DayField(load_default=None, allow_none=True)


@policies.route("", methods=["GET"])
@policies.arguments(PageArgs, location="query")
@policies.response(200, page_of(PolicySchema))
def list_policies(args: dict[str, Any]) -> Any:
    """Every published version, the newest first."""
    newest = sorted(shelf.shelf(), key=lambda one: (one.published_on, one.id), reverse=True)
    return cut(newest, args, lambda one: one.id)


@revisions.route("/what-if", methods=["POST"])
@revisions.arguments(DraftSchema)
@revisions.response(202, TrialSchema)
def what_if(body: dict[str, Any]) -> Any:
    """Have a draft run over the decisions of a period; ask again for what it comes to. It is kept
    for a day.
    """
    try:
        trial = service.begin_trial(
            core(),
            actor=actor(),
            text=body["draft"],
            first=body["first_on"],
            last=body["last_on"],
            area=body["area"],
        )
    except DataFileInvalid as error:
        told = file_words.sentence(error, locale())
        raise DraftInvalid(extra={"errors": {"draft": told}}, error=told) from None
    return service.trial(core(), actor=actor(), trial=trial)


@revisions.route("/what-if/<uuid:trial>", methods=["GET"])
@revisions.response(200, TrialSchema)
def show_trial(trial: UUID) -> Any:
    """How far the run of a draft is, and what it comes to so far."""
    return service.trial(core(), actor=actor(), trial=TrialId(trial))


@revisions.route("", methods=["GET"])
@revisions.arguments(PageArgs, location="query")
@revisions.response(200, page_of(RevisionSchema))
def list_revisions(args: dict[str, Any]) -> Any:
    """Revisions of the caller's area, newest first."""
    return service.revisions(core(), actor=actor(), **args)


@revisions.route("/<uuid:revision>", methods=["GET"])
@revisions.response(200, RevisionSchema)
def get_revision(revision: UUID) -> Revision:
    """One revision and how far it is."""
    return service.revision(core(), actor=actor(), revision=RevisionId(revision))


@revisions.route("/<uuid:revision>/lines", methods=["GET"])
@revisions.arguments(PageArgs, location="query")
@revisions.response(200, page_of(RevisionLineSchema))
def list_lines(args: dict[str, Any], revision: UUID) -> Any:
    """The decisions that it changes."""
    return service.lines(core(), actor=actor(), revision=RevisionId(revision), **args)


@revisions.route("/sales/<uuid:sale>", methods=["GET"])
@revisions.response(200, DifferencesSchema)
def list_differences_of(sale: UUID) -> Any:
    """What approved revisions add to the sale of a unit, by its redemption."""
    found = service.differences_of(core(), actor=actor(), sale=RedemptionId(sale))
    return {"items": found}


@returning.route("/<uuid:revision>/sales/<uuid:sale>/returns", methods=["POST"])
@returning.arguments(ReturnSchema)
@returning.response(202, ProposalSchema)
def give_back(body: dict[str, Any], revision: UUID, sale: UUID) -> Any:
    """Say that a buyer gave a paid difference back; once signed, the till may refund the unit."""
    approval = service.propose_return(
        core(),
        actor=actor(),
        revision=RevisionId(revision),
        sale=RedemptionId(sale),
        amount=body["amount_fen"],
        reference=body["reference"],
    )
    return {"approval_id": approval}


@planning.route("", methods=["POST"])
@planning.arguments(RevisionBeginSchema)
@planning.response(201, RevisionSchema)
def begin(body: dict[str, Any]) -> Revision:
    """Have every past decision that a policy changes looked up."""
    return service.begin(
        core(),
        actor=actor(),
        policy=body["policy"],
        campaign=CampaignId(body["campaign_id"]),
        known_until=body["known_until"],
    )


@planning.route("/<uuid:revision>/propose", methods=["POST"])
@planning.response(202, ProposalSchema)
def propose(revision: UUID) -> Any:
    """Ask for what is missing to be paid, the whole list as one decision."""
    id = RevisionId(revision)
    return {"approval_id": service.propose(core(), actor=actor(), revision=id)}


@planning.route("/<uuid:revision>/cancel", methods=["POST"])
@planning.response(204)
def cancel(revision: UUID) -> None:
    """Give up a revision that is not proposed."""
    service.cancel(core(), actor=actor(), revision=RevisionId(revision))
