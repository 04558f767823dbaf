"""What the admin API reads and answers: money in fen, shares in basis points, Shanghai days."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from voucher_service.approvals.model import Status
from voucher_service.budgets.model import Level
from voucher_service.campaigns.model import CampaignKind, OfferKind
from voucher_service.campaigns.plans import MAX_QUOTA
from voucher_service.i18n import mark
from voucher_service.infra import areas
from voucher_service.web.fields import (
    CodeField,
    CountField,
    DayField,
    FenField,
    InstantField,
    NameField,
    TextField,
)
from voucher_service.web.schemas import PageArgs, Schema

from .offer_schemas import OfferTermsSchema

BRANDS = ("jinqiu", "moyang", "night", "feast", "renew")
GROUPS = ("campaign", "area", "trade", "day", "funder", "merchant_size", "offer", "hour", "brand")
BASES = ("period", "cohort")
SLUG = r"[a-z0-9][a-z0-9-]{1,62}"
_SECRET = validate.Length(min=1, max=200, error=mark("太长了。"))


class AreaField(CodeField):
    """A division of GB/T 2260: two, four, six or nine digits. Loads to the full code."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(pattern=r"\d{2}|\d{4}|\d{6}|\d{9}", **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return areas.full(super()._deserialize(value, *args, **kwargs))


def one_of(*values: str) -> validate.OneOf:
    """One of these texts and nothing else."""
    return validate.OneOf(values, error=mark("请从给出的几种里选一个。"))


class SignInSchema(Schema):
    """Who signs in; `otp` or `passkey` counts for accounts with a second factor."""

    username = fields.String(required=True, validate=_SECRET)
    password = fields.String(required=True, validate=_SECRET)
    otp = fields.String(load_default=None, allow_none=True, validate=_SECRET)
    passkey = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=16_000, error=mark("太长了。")),
        metadata={"description": "what the browser's passkey answered, as JSON"},
    )


class TokenSchema(Schema):
    """An access token and how long it is valid."""

    access_token = fields.String(required=True)
    expires_in_seconds = fields.Integer(required=True)


class StaffSchema(Schema):
    """The member of staff who calls. An empty `area` is the whole city."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    display_name = fields.String(required=True)
    roles = fields.Function(lambda staff: sorted(staff.roles))
    area = fields.String(required=True)


class ProgrammeSchema(Schema):
    """What a bureau announces; `synthetic` marks a replay."""

    id = fields.UUID(dump_only=True)
    slug = CodeField(required=True, pattern=SLUG)
    name = NameField(required=True, maximum=60)
    name_en = NameField(load_default="", minimum=0, maximum=120)
    brand = fields.String(load_default=BRANDS[0], validate=one_of(*BRANDS))
    opens_on = DayField(required=True)
    closes_on = DayField(required=True)
    synthetic = fields.Boolean(dump_only=True)


class CampaignSchema(Schema):
    """One issuing action; `programme` is the slug. With `budget_id` its lines draw on that."""

    id = fields.UUID(dump_only=True)
    programme = CodeField(required=True, pattern=SLUG)
    name = NameField(required=True, maximum=60)
    kind = fields.String(required=True, validate=one_of(*map(str, CampaignKind)))
    area = AreaField(required=True)
    opens_on = DayField(required=True)
    closes_on = DayField(required=True)
    budget_id = fields.UUID(load_default=None, allow_none=True)
    status = fields.String(dump_only=True)
    approval_id = fields.UUID(dump_only=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Show the programme of a campaign by its slug."""
        found = super().get_attribute(obj, attr, default)
        return getattr(found, "slug", found) if attr == "programme" else found


class ReleaseSchema(Schema):
    """A dated slice of a quota. Without `closes_at` it runs to the campaign's last day. `held`: it
    stays shut until the slice before it looked right.
    """

    id = fields.UUID(dump_only=True)
    opens_at = InstantField(required=True)
    closes_at = InstantField(load_default=None)
    quota = CountField(required=True, minimum=1, maximum=MAX_QUOTA)
    held = fields.Boolean(dump_only=True)


class OfferSchema(OfferTermsSchema):
    """What can be claimed. Empty `areas` or `trades` mean all of the campaign's. `threshold_fen`:
    the least order. `rate_bps` belongs to `percent_capped`, `pieces` to `pack`. `waiting_room`:
    claims wait in a line, early ones in random order; `proof_of_work`: a device first solves a
    small puzzle; `canary`: a slice of the first release opens first, and the rest once it looked
    right. Left out, an offer that can cost much gets one.
    """

    id = fields.UUID(dump_only=True)
    campaign_id = fields.UUID(dump_only=True)
    slug = CodeField(load_default=None, pattern=SLUG)
    title = NameField(required=True, maximum=60)
    kind = fields.String(required=True, validate=one_of(*OfferKind))
    face_value_fen = FenField(required=True, attribute="face_value")
    threshold_fen = FenField(required=True, attribute="threshold")
    quota = CountField(required=True)
    per_resident_limit = CountField(load_default=1)
    valid_days = CountField(required=True)
    areas = fields.List(AreaField(), load_default=list, validate=validate.Length(max=100))
    trades = fields.List(
        CodeField(maximum=40), load_default=list, validate=validate.Length(max=100)
    )
    lapse_returns = fields.Boolean(load_default=True)
    waiting_room = fields.Boolean(load_default=False)
    proof_of_work = fields.Boolean(load_default=False)
    canary = fields.Boolean(load_default=None, allow_none=True, load_only=True)
    releases = fields.List(
        fields.Nested(ReleaseSchema), load_default=list, validate=validate.Length(max=1000)
    )
    status = fields.String(dump_only=True)


class BudgetLineSchema(Schema):
    """Money of one funder for a campaign; `funder` is the code, `share_bps` of each voucher.

    `fallback`: it pays what a line that is used up can't. `shop_area`: it bears its share of what
    is redeemed at shops of that area only, in the fallback line's stead.
    """

    id = fields.UUID(dump_only=True)
    campaign_id = fields.UUID(dump_only=True)
    funder = CodeField(required=True, maximum=64)
    amount_fen = FenField(required=True, attribute="amount")
    share_bps = CountField(required=True, maximum=10_000)
    purpose_code = CodeField(load_default="", maximum=64)
    fallback = fields.Boolean(load_default=False)
    shop_area = AreaField(load_default="")

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Show the funder of a line by its code."""
        found = super().get_attribute(obj, attr, default)
        return getattr(found, "code", found) if attr == "funder" else found


class FindingSchema(Schema):
    """What looked wrong: the share that was seen and the most it may be, in basis points."""

    signal = fields.String(required=True)
    seen_bps = fields.Integer(required=True)
    most_bps = fields.Integer(required=True)


class CanarySchema(Schema):
    """The slice that opens first. `status`: waiting passed stopped. `started_at` null: it did not
    open yet.
    """

    offer_id = fields.UUID(required=True)
    quota = fields.Integer(required=True)
    seconds = fields.Integer(required=True)
    status = fields.String(required=True)
    started_at = InstantField(required=True, allow_none=True)
    judged_at = InstantField(required=True, allow_none=True)
    findings = fields.List(fields.Nested(FindingSchema), required=True)


class CampaignDetailSchema(CampaignSchema):
    """A campaign with its offers, its money and its canaries."""

    canaries = fields.List(fields.Nested(CanarySchema), required=True)

    offers = fields.List(fields.Nested(OfferSchema), required=True)
    budget_lines = fields.List(fields.Nested(BudgetLineSchema), required=True)


class CampaignArgs(PageArgs):
    """Which campaigns, and where the list goes on."""

    programme = CodeField(load_default=None, pattern=SLUG)


class FunderSchema(Schema):
    """Who pays a share."""

    id = fields.UUID(dump_only=True)
    code = CodeField(required=True, pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
    name = NameField(required=True, maximum=60)
    level = fields.String(required=True, validate=one_of(*Level))
    area = AreaField(required=True)


class ProposalSchema(Schema):
    """The proposal that now waits for a second person."""

    approval_id = fields.UUID(required=True)


class WhySchema(Schema):
    """A rule that asks for more than one signature: amount split live steep; the sum it judged."""

    rule = fields.String(required=True)
    signatures = fields.Integer(required=True)
    judged_fen = FenField(required=True, attribute="judged")


class SignatureSchema(Schema):
    """Who said yes, and when."""

    staff_id = fields.UUID(required=True)
    signed_at = InstantField(required=True)


class ApprovalSchema(Schema):
    """A proposal with its frozen payload and its fingerprint. `amount_fen`: what it can cost at
    most; `why`: the rules that ask for more than one signature; `simulation`: what its signers were
    shown, null where there is nothing to foresee; it lapses at `expires_at`.
    """

    id = fields.UUID(required=True)
    action = fields.String(required=True)
    object_type = fields.String(required=True)
    object_id = fields.UUID(required=True)
    area = fields.String(required=True)
    title = fields.String(required=True)
    payload = fields.Dict(required=True)
    payload_sha256 = fields.String(required=True)
    maker_id = fields.UUID(required=True)
    amount_fen = FenField(required=True, attribute="amount")
    signatures_needed = fields.Integer(required=True)
    why = fields.List(fields.Nested(WhySchema), required=True)
    simulation = fields.Dict(required=True, allow_none=True)
    signatures = fields.List(fields.Nested(SignatureSchema), required=True)
    status = fields.String(required=True)
    proposed_at = InstantField(required=True)
    expires_at = InstantField(required=True)
    decided_at = InstantField(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class ApprovalArgs(PageArgs):
    """Which proposals: `state`, or all."""

    state = fields.String(load_default=None, validate=one_of(*Status))


class ReasonSchema(Schema):
    """Why a proposal goes back."""

    reason = TextField(required=True, maximum=500, multiline=True)


class PauseSchema(Schema):
    """Why a campaign is paused; an emergency may leave no time to say."""

    reason = TextField(load_default="", maximum=200)


class ReconcileSchema(Schema):
    """Which programme to reconcile, or all; `whole`: count every row again, and compare."""

    programme = CodeField(load_default=None, pattern=SLUG)
    whole = fields.Boolean(load_default=False)


class ReconciliationSchema(Schema):
    """The jobs that were rung."""

    jobs = fields.List(fields.String(), required=True)


class LeverageArgs(Schema):
    """What the leverage report counts: `from` and `to` are days, both within."""

    programme = CodeField(required=True, pattern=SLUG)
    from_ = DayField(data_key="from", load_default=None)
    to = DayField(load_default=None)
    group_by = fields.String(load_default="campaign", validate=one_of(*GROUPS))
    basis = fields.String(load_default="period", validate=one_of(*BASES))
