"""What the calls about funds and budgets read and answer: money in fen, days of Shanghai."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from admin.schemas import SLUG, AreaField, one_of
from voucher_service.budgets.model import Span
from voucher_service.ledger.model import Owner, Stage
from voucher_service.web.fields import (
    MAX_FEN,
    CodeField,
    CountField,
    FenField,
    InstantField,
    NameField,
)
from voucher_service.web.schemas import PageArgs, Schema

STATEMENTS = (
    Stage.APPROPRIATION,
    Stage.AVAILABLE,
    Stage.COMMITTED,
    Stage.SETTLED,
    Stage.RETURNED,
)


class FundSchema(Schema):
    """Money a funder appropriated by one document for one year. `purpose_code` empty: general
    money; `available_fen`: what no budget was given.
    """

    id = fields.UUID(required=True)
    funder = fields.String(attribute="funder.code", required=True)
    funder_name = fields.String(attribute="funder.name", required=True)
    year = fields.Integer(required=True)
    purpose_code = fields.String(required=True)
    document = fields.String(required=True)
    available_fen = FenField(attribute="available", required=True)


class NewFundSchema(Schema):
    """What a funder appropriated; `funder` is the code, `document` the number of its paper. The
    same document again adds to the fund.
    """

    funder = CodeField(required=True, maximum=64)
    year = CountField(required=True, minimum=2000, maximum=2100)
    purpose_code = CodeField(load_default="", maximum=64)
    document = NameField(required=True, maximum=60)
    amount_fen = FenField(required=True, minimum=1, attribute="amount")


class AmountSchema(Schema):
    """How much to move."""

    amount_fen = FenField(required=True, minimum=1, attribute="amount")


class AllotSchema(AmountSchema):
    """How much of which fund."""

    fund_id = fields.UUID(required=True)


class BudgetSchema(Schema):
    """A programme's money in one area; `programme` is the slug. `parent_id` null: the frame."""

    id = fields.UUID(dump_only=True)
    programme = CodeField(required=True, pattern=SLUG)
    parent_id = fields.UUID(load_default=None, allow_none=True)
    name = NameField(required=True, maximum=60)
    area = AreaField(required=True)


class BudgetArgs(PageArgs):
    """Which budgets, and where the list goes on."""

    programme = CodeField(load_default=None, pattern=SLUG)


class AllotmentSchema(Schema):
    """What a budget was given of a fund; `available_fen`: what it has not given on."""

    id = fields.UUID(required=True)
    budget_id = fields.UUID(required=True)
    fund_id = fields.UUID(attribute="fund.id", required=True)
    funder = fields.String(attribute="fund.funder.code", required=True)
    funder_name = fields.String(attribute="fund.funder.name", required=True)
    year = fields.Integer(attribute="fund.year", required=True)
    purpose_code = fields.String(attribute="fund.purpose_code", required=True)
    document = fields.String(attribute="fund.document", required=True)
    available_fen = FenField(attribute="available", required=True)


class MoveSchema(Schema):
    """A proposed movement. `action`: fund.appropriate fund.return fund.carry_over budget.allot
    budget.pass_down budget.hand_back; `status`: waiting made refused.
    """

    id = fields.UUID(required=True)
    action = fields.String(required=True)
    fund_id = fields.UUID(attribute="fund.id", required=True)
    budget_id = fields.UUID(required=True, allow_none=True)
    amount_fen = FenField(attribute="amount", required=True)
    status = fields.String(required=True)
    approval_id = fields.UUID(required=True)
    created_by = fields.UUID(required=True)
    created_at = InstantField(required=True)


class AtArgs(Schema):
    """At which instant; now when left out."""

    at = InstantField(load_default=None)


class SumsSchema(Schema):
    """What was given and where it stands; `given_fen` is the sum of the others."""

    given_fen = FenField(attribute="given", required=True)
    available_fen = FenField(attribute="available", required=True)
    passed_on_fen = FenField(attribute="passed_on", required=True)
    reserved_fen = FenField(attribute="reserved", required=True)
    outstanding_fen = FenField(attribute="outstanding", required=True)
    committed_fen = FenField(attribute="committed", required=True)
    settled_fen = FenField(attribute="settled", required=True)
    returned_fen = FenField(attribute="returned", required=True)
    carried_fen = FenField(attribute="carried", required=True)


class SpotSchema(Schema):
    """One place: a fund, an allotment of a budget, or a line of a campaign."""

    kind = fields.String(
        attribute="owner",
        required=True,
        metadata={"enum": [str(Owner.FUND), str(Owner.ALLOTMENT), str(Owner.LINE)]},
    )
    id = fields.UUID(required=True)
    funder = fields.String(required=True, metadata={"description": "the funder's name"})
    fund_id = fields.UUID(attribute="fund.id", dump_default=None, allow_none=True)
    budget_id = fields.UUID(required=True, allow_none=True)
    campaign_id = fields.UUID(attribute="line.campaign_id", dump_default=None, allow_none=True)
    sums = fields.Nested(SumsSchema, required=True)


class StandingSchema(Schema):
    """Every place from the top down, and all of them as one."""

    total = fields.Nested(SumsSchema, required=True)
    rows = fields.List(fields.Nested(SpotSchema), attribute="spots", required=True)


class PlannedSchema(Schema):
    """What is planned in one period: campaign:ID day:2026-11-22 month:2026-11."""

    period = fields.String(required=True)
    planned_fen = FenField(required=True)


class CapSchema(Schema):
    """A cap. `span`: campaign day month."""

    span = fields.String(required=True)
    amount_fen = FenField(attribute="amount", required=True)
    planned = fields.List(fields.Nested(PlannedSchema), required=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Show what is planned as a list, the periods in order."""
        found = super().get_attribute(obj, attr, default)
        if attr != "planned":
            return found
        return [
            {"period": period, "planned_fen": planned} for period, planned in sorted(found.items())
        ]


class CapsSchema(Schema):
    """All caps of a budget or a campaign."""

    items = fields.List(fields.Nested(CapSchema), required=True)


class NewCapsSchema(Schema):
    """The most that may be issued: by one campaign, on each day, in each month."""

    campaign_fen = FenField(minimum=1, allow_none=True, attribute=str(Span.CAMPAIGN))
    day_fen = FenField(minimum=1, allow_none=True, attribute=str(Span.DAY))
    month_fen = FenField(minimum=1, allow_none=True, attribute=str(Span.MONTH))


class StatementArgs(PageArgs):
    """Which account of the line, and up to which instant."""

    stage = fields.String(
        load_default=str(Stage.AVAILABLE), validate=one_of(*(str(one) for one in STATEMENTS))
    )
    until = InstantField(load_default=None)


class StatementLineSchema(Schema):
    """One movement on an account and what the account held after it."""

    code = fields.String(required=True)
    key = fields.String(required=True)
    occurred_at = InstantField(required=True)
    amount_fen = FenField(attribute="amount", required=True, minimum=-MAX_FEN)
    balance_fen = FenField(attribute="balance", required=True, minimum=-MAX_FEN)
