"""What the calls about settlement read and answer."""

from __future__ import annotations

from marshmallow import fields

from admin.schemas import one_of
from voucher_service.settlement.lifecycles import LineStatus, PaymentStatus
from voucher_service.settlement.model import Form
from voucher_service.web.fields import CountField, DayField, FenField, InstantField, TextField
from voucher_service.web.schemas import PageArgs, Schema


class SettlementSchema(Schema):
    """A batch. `day`: the last day included. `status`: drafting drafted reviewed approved sent
    closed dropped. `result`, of a closed one: paid part_back all_back nothing.
    `total_fen` = `due_fen` - `deducted_fen` + `retried_fen`, the sum of the `payments` rows of the
    bank file. `statement_until`: until when merchants may object.
    `programme_id`: of a replayed programme; null for all real ones. `returned`: sent back after it
    was paid, and no longer in `paid`. `*_sha256`: of the files, in
    hex, once it was sent.
    """

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    day = DayField(required=True)
    programme_id = fields.UUID(required=True, allow_none=True)
    status = fields.String(required=True)
    result = fields.String(required=True, allow_none=True)
    lines = CountField(required=True)
    items = CountField(required=True)
    due_fen = FenField(attribute="due", required=True)
    deducted_fen = FenField(attribute="deducted", required=True)
    retried_fen = FenField(attribute="retried", required=True)
    payments = CountField(required=True)
    total_fen = FenField(attribute="total", required=True)
    paid = CountField(required=True)
    paid_fen = FenField(attribute="paid_amount", required=True)
    bounced = CountField(required=True)
    bounced_fen = FenField(attribute="bounced_amount", required=True)
    returned = CountField(required=True)
    returned_fen = FenField(attribute="returned_amount", required=True)
    statement_until = InstantField(required=True, allow_none=True)
    drafted_at = InstantField(required=True)
    drafted_by = fields.UUID(required=True, allow_none=True)
    reviewed_by = fields.UUID(required=True, allow_none=True)
    reviewed_at = InstantField(required=True, allow_none=True)
    approval_id = fields.UUID(required=True, allow_none=True)
    approved_at = InstantField(required=True, allow_none=True)
    sent_by = fields.UUID(required=True, allow_none=True)
    sent_at = InstantField(required=True, allow_none=True)
    closed_at = InstantField(required=True, allow_none=True)
    csv_sha256 = fields.String(required=True, allow_none=True)
    xlsx_sha256 = fields.String(required=True, allow_none=True)


class SettlementPaymentSchema(Schema):
    """A row of a bank file. `status`: due sent paid bounced returned corrected withdrawn. `name` is
    masked for a person; of the account only the last four digits are told. `returned_at`: when the
    bank sent back what it had paid; `retry_at`: when finance said that the same account is tried
    again; null otherwise.
    """

    id = fields.UUID(required=True)
    batch_id = fields.UUID(required=True)
    line_id = fields.UUID(required=True)
    flow_number = fields.String(required=True)
    personal = fields.Boolean(required=True)
    name = fields.String(required=True)
    last4 = fields.String(required=True)
    bank = fields.String(required=True)
    amount_fen = FenField(attribute="amount", required=True)
    status = fields.String(required=True)
    reason = fields.String(required=True)
    bank_reference = fields.String(required=True)
    answered_at = InstantField(required=True, allow_none=True)
    returned_at = InstantField(required=True, allow_none=True)
    retry_at = InstantField(required=True, allow_none=True)


class SettlementLineSchema(Schema):
    """One merchant's redemptions in a batch (`kind` merchant), money ahead of them (advance), or
    one resident's payout (person). `status`: due paid left_out ended (less is due, and paid by a
    later line); `left_out`: why, null otherwise: payment_hold redemption_hold no_account undone
    statement dropped. `payment`: the newest, null before the review.
    """

    id = fields.UUID(required=True)
    batch_id = fields.UUID(required=True)
    batch_number = fields.String(required=True)
    day = DayField(required=True)
    kind = fields.String(required=True)
    merchant_id = fields.UUID(required=True, allow_none=True)
    payout_kind = fields.String(required=True, allow_none=True)
    payout_id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True)
    items = CountField(required=True)
    due_fen = FenField(attribute="due", required=True)
    deducted_fen = FenField(attribute="deducted", required=True)
    amount_fen = FenField(attribute="amount", required=True)
    status = fields.String(required=True)
    left_out = fields.String(required=True, allow_none=True)
    statement_until = InstantField(required=True, allow_none=True)
    paid_at = InstantField(required=True, allow_none=True)
    payment = fields.Nested(SettlementPaymentSchema, required=True, allow_none=True)


class SettlementItemSchema(Schema):
    """One redemption in a line; `due_fen`: its discount net of what was refunded before."""

    redemption_id = fields.UUID(required=True)
    order_reference = fields.String(required=True)
    shop = fields.String(required=True)
    occurred_at = InstantField(required=True)
    order_amount_fen = FenField(attribute="order_amount", required=True)
    discount_fen = FenField(attribute="discount", required=True)
    due_fen = FenField(attribute="due", required=True)


class SettlementShareSchema(Schema):
    """What one budget line bears of a batch. `level`: central province city county town merchant
    bank; `settled_fen` of it was paid.
    """

    budget_line_id = fields.UUID(required=True)
    campaign = fields.String(required=True)
    funder = fields.String(required=True)
    funder_name = fields.String(required=True)
    level = fields.String(required=True)
    due_fen = FenField(attribute="due", required=True)
    settled_fen = FenField(attribute="settled", required=True)


class SettlementSharesSchema(Schema):
    """What every budget line bears of a batch."""

    items = fields.List(fields.Nested(SettlementShareSchema), required=True)


class SettlementWaitingMerchantSchema(Schema):
    """How much of a merchant's waits."""

    merchant_id = fields.UUID(required=True)
    name = fields.String(required=True)
    amount_fen = FenField(attribute="amount", required=True)


class SettlementWaitingSchema(Schema):
    """What a drafted batch does not pay for one `reason`: payment_hold redemption_hold no_account
    undone statement dropped difference dispute risk review next. `count` orders are not in it;
    `leave_count` are, and leave it at the review. `merchants`: those with most of it; `more` have
    some.
    """

    reason = fields.String(required=True)
    count = CountField(required=True)
    amount_fen = FenField(attribute="amount", required=True)
    leave_count = CountField(required=True)
    leave_fen = FenField(attribute="leave_amount", required=True)
    merchants = fields.List(fields.Nested(SettlementWaitingMerchantSchema), required=True)
    more = CountField(required=True)


class SettlementWaitingsSchema(Schema):
    """What a drafted batch does not pay, by reason; nothing of a batch that was reviewed."""

    items = fields.List(fields.Nested(SettlementWaitingSchema), required=True)


class SettlementUnpaidSchema(Schema):
    """What a merchant redeemed and no line pays yet. `held`: what of it waits, by reason:
    difference dispute risk review. `payment_hold`: all of it waits. `owed_fen`: what the next line
    deducts.
    """

    count = CountField(required=True)
    amount_fen = FenField(attribute="amount", required=True)
    ready_fen = FenField(attribute="ready", required=True)
    held = fields.Dict(keys=fields.String(), values=FenField(), required=True)
    payment_hold = fields.Boolean(required=True)
    no_account = fields.Boolean(required=True)
    owed_fen = FenField(attribute="owed", required=True)


class SettlementAdvanceSchema(Schema):
    """Money paid ahead. `status`: proposed approved paid refused."""

    id = fields.UUID(required=True)
    amount_fen = FenField(attribute="amount", required=True)
    status = fields.String(required=True)
    reason = fields.String(required=True)
    proposed_by = fields.UUID(required=True)
    approval_id = fields.UUID(required=True)
    at = InstantField(required=True)


class SettlementPayeeSchema(Schema):
    """A merchant's money: what waits, its newest advances, and how much more it may get ahead."""

    merchant_id = fields.UUID(required=True)
    name = fields.String(required=True)
    unpaid = fields.Nested(SettlementUnpaidSchema, required=True)
    advances = fields.List(fields.Nested(SettlementAdvanceSchema), required=True)
    may_advance_fen = FenField(attribute="may_advance", required=True)


class NewSettlementSchema(Schema):
    """The last day to pay. A replayed programme is settled alone: by its slug, with `synthetic`."""

    day = DayField(required=True)
    programme = fields.String(load_default=None, allow_none=True)
    synthetic = fields.Boolean(load_default=False)


class SettlementDropSchema(Schema):
    """Why."""

    reason = TextField(required=True, maximum=200)


class NewAdvanceSchema(Schema):
    """Money to pay ahead."""

    merchant_id = fields.UUID(required=True)
    amount_fen = FenField(required=True, minimum=1)
    reason = TextField(required=True, maximum=200)


class BankReturnSchema(Schema):
    """The bank's file, CSV or Excel, in base64."""

    content = fields.String(required=True)


class BankReturnTakenSchema(Schema):
    """What the file said; `replayed` when it had been taken before. `returned`: failed now, and
    paid by an earlier file.
    """

    batch_id = fields.UUID(required=True)
    rows = CountField(required=True)
    paid = CountField(required=True)
    bounced = CountField(required=True)
    returned = CountField(required=True)
    replayed = fields.Boolean(required=True)


class LineArgs(PageArgs):
    """Which lines: of one `status`, or all."""

    status = fields.String(load_default=None, validate=one_of(*LineStatus))


class PaymentArgs(PageArgs):
    """Which payments: of one `status`, or all."""

    status = fields.String(load_default=None, validate=one_of(*PaymentStatus))


class FileArgs(Schema):
    """In which form: csv or xlsx."""

    form = fields.String(load_default=str(Form.CSV), validate=one_of(*Form))
