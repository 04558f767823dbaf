"""Papers of sales as calls and pages of the merchant face carry them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from voucher_service.i18n import mark
from voucher_service.tradein.review.model import ProofKind, Review
from voucher_service.tradein.review.service import Filter
from voucher_service.web.fields import FenField, InstantField, TextField
from voucher_service.web.schemas import PageArgs, Schema

_OTHER = mark("请从给出的几种里选一个。")
_NUMBER = 40


class SalesArgs(PageArgs):
    """Which sales: `todo` lack papers, `waiting` are complete or being reviewed."""

    show = fields.String(
        load_default=Filter.ALL.value, validate=ma.validate.OneOf(list(Filter), error=_OTHER)
    )

    @ma.post_load
    def _named(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data | {"which": Filter(data.pop("show"))}


class ProofArgs(Schema):
    """`?number=`: of an invoice, 20 digits, or code and number of an older one."""

    number = TextField(maximum=_NUMBER, load_default=None)


class ProofForm(ProofArgs):
    """Which paper is handed in, with the invoice's number."""

    kind = fields.String(required=True, validate=ma.validate.OneOf(list(ProofKind), error=_OTHER))


class ProofSchema(Schema):
    """A paper that was handed in."""

    kind = fields.String(required=True)
    number = fields.String(required=True, allow_none=True)
    handed_in_at = InstantField(required=True)


class SaleReviewSchema(Schema):
    """How far a sale is on the way to its money.

    `status`: `collecting` (papers are missing), `complete`, `batched` (being reviewed), `released`
    (may be paid), `refused` (with `reason`, to be answered until `answer_until`), `undone`.
    `alone`: it is looked at by itself, which takes longer.
    """

    redemption_id = fields.UUID(required=True, attribute="sale_id")
    article = fields.String(required=True)
    category = fields.String(required=True)
    subsidy_fen = FenField(required=True, attribute="subsidy")
    status = fields.String(required=True)
    sold_at = InstantField(required=True)
    due_at = InstantField(required=True)
    wanted = fields.List(fields.String(), required=True)
    missing = fields.List(fields.String(), required=True)
    proofs = fields.Method("handed_in", required=True)
    alone = fields.Boolean(required=True)
    reason = fields.String(required=True)
    answer_until = InstantField(required=True, allow_none=True)
    released_at = InstantField(required=True, allow_none=True)

    def handed_in(self, review: Review) -> list[Any]:
        """The papers there are, in the order in which they are asked for."""
        found = [review.proofs[one] for one in review.wanted if one in review.proofs]
        told: list[Any] = ProofSchema(many=True).dump(found)
        return told
