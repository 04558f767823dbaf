"""Trade-in: what a purchase would get, before anything is asked of the resident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import marshmallow as ma
from marshmallow import fields

from voucher_service.i18n import mark
from voucher_service.i18n.formats import money
from voucher_service.kernel.money import Money
from voucher_service.tradein import quote as quotes
from voucher_service.tradein import shelf, words
from voucher_service.tradein.policy import Case, Category, Energy, NewCar, OldCar, Scheme
from voucher_service.tradein.quote import Quote
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.fields import CodeField, CountField, DayField, FenField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema

blueprint = ApiBlueprint("tradein_api", __name__, url_prefix="/api/v1/trade-in")
_ENERGY = ma.validate.OneOf(list(Energy), error=mark("能源填 nev、petrol 或 diesel。"))


class LitresField(fields.Decimal):
    """An engine's size in litres, 0.1 to 20, as a JSON number."""

    def __init__(self, **kwargs: Any) -> None:
        within = ma.validate.Range(
            Decimal("0.1"), Decimal(20), error=mark("排量填 0.1 到 20 之间的升数。")
        )
        super().__init__(
            validate=within,
            error_messages={"invalid": mark("排量填 0.1 到 20 之间的升数。")},
            metadata={"type": "number", "minimum": 0.1, "maximum": 20},
            **kwargs,
        )


class NewCarSchema(Schema):
    """The car that is bought."""

    energy = fields.String(required=True, validate=_ENERGY)
    engine_litres = LitresField(load_default=None, allow_none=True)

    @ma.post_load
    def made(self, data: dict[str, Any], **_: Any) -> NewCar:
        """The car as the policies see it."""
        litres: Decimal | None = data["engine_litres"]
        return NewCar(Energy(data["energy"]), None if litres is None else round(litres * 1000))


class OldCarSchema(Schema):
    """The car that is given up."""

    energy = fields.String(required=True, validate=_ENERGY)
    registered_on = DayField(required=True)
    owned_since = DayField(load_default=None, allow_none=True)

    @ma.post_load
    def made(self, data: dict[str, Any], **_: Any) -> OldCar:
        """The car as the policies see it."""
        return OldCar(Energy(data["energy"]), data["registered_on"], data["owned_since"])


class CaseSchema(Schema):
    """What the subsidy depends on. `on` is the day of purchase."""

    scheme = fields.String(
        required=True,
        validate=ma.validate.OneOf(list(Scheme), error=mark("没有这项补贴。")),
    )
    category = fields.String(
        required=True,
        validate=ma.validate.OneOf(list(Category), error=mark("没有这个品类。")),
    )
    price_fen = FenField(required=True, minimum=1, attribute="price")
    on = DayField(required=True)
    area = CodeField(load_default="", pattern=r"\d{2}|\d{4}|\d{6}|\d{9}", maximum=9)
    grade = CountField(load_default=None, minimum=1, maximum=5, allow_none=True)
    new = fields.Nested(NewCarSchema, load_default=None, allow_none=True)
    old = fields.Nested(OldCarSchema, load_default=None, allow_none=True)

    @ma.post_load
    def made(self, data: dict[str, Any], **_: Any) -> Case:
        """The case as the policies see it."""
        kinds = {"scheme": Scheme(data["scheme"]), "category": Category(data["category"])}
        return Case(**{**data, **kinds})


class QuoteSchema(Schema):
    """What the case gets, with the policy's id, and why nothing if so."""

    eligible = fields.Boolean(required=True)
    subsidy_fen = FenField(required=True, attribute="subsidy")
    policy = fields.String(required=True, allow_none=True)
    policy_name = fields.String(required=True, allow_none=True)
    file_by = DayField(required=True, allow_none=True)
    reasons = fields.List(fields.String(), required=True)
    reason_codes = fields.List(fields.String(), required=True)
    steps = fields.List(fields.String(), required=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """A quote as it is answered, in the reader's language."""

    eligible: bool
    subsidy: Money
    policy: str | None
    policy_name: str | None
    file_by: date | None
    reasons: list[str]
    reason_codes: list[str]
    steps: list[str]


@blueprint.route("/quotes", methods=["POST"])
@blueprint.arguments(CaseSchema)
@blueprint.response(200, QuoteSchema)
def quote(case: Case) -> Answer:
    """What a purchase would get under the policy in force on that day. Needs no sign-in.

    Looks at the rule alone, not at what the resident already had; promises nothing.
    """
    found = quotes.quote(shelf.shelf(), case)
    return _answer(case, found, locale())


def _answer(case: Case, found: Quote, language: str) -> Answer:
    policy = found.policy
    return Answer(
        eligible=found.eligible,
        subsidy=found.subsidy,
        policy=policy.id if policy else None,
        policy_name=policy.name.spelt(language) if policy else None,
        file_by=policy.file_by if policy else None,
        reasons=words.reasons(case, found, language),
        reason_codes=[str(one) for one in found.reasons],
        steps=[f"{words.step(line, language)} {money(line.amount)}" for line in found.lines],
    )
