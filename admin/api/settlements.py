"""Settlement: batches, their lines and payments, the bank's files."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import Any, BinaryIO
from uuid import UUID

from flask import Response

from admin import settling as settling_words
from admin.api import settlement_schemas as schemas
from admin.schemas import ProposalSchema
from voucher_service.kernel.ids import ApprovalId, MerchantId
from voucher_service.settlement import bank_file as files
from voucher_service.settlement import service
from voucher_service.settlement.lifecycles import LineStatus, PaymentStatus
from voucher_service.settlement.model import Batch, BatchId, BatchLineId, Form, PaymentId, Taken
from voucher_service.settlement.standing import Payee, Waiting
from voucher_service.web.api import FILE, ApiBlueprint
from voucher_service.web.attachments import TYPES, as_file
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs, page_of
from voucher_service.web.site import core

settlements = ApiBlueprint("settlements", __name__, url_prefix="/api/v1")
settling = ApiBlueprint("settling", __name__, url_prefix="/api/v1")

# A file that answers three hundred thousand payments, in base64.
RETURN_LIMIT_BYTES = 48 * 1024 * 1024


@settlements.route("/settlements", methods=["GET"])
@settlements.arguments(PageArgs, location="query")
@settlements.response(200, page_of(schemas.SettlementSchema))
def list_batches(args: dict[str, Any]) -> Any:
    """Batches, newest first."""
    return service.batches(core(), actor=actor(), **args)


@settling.route("/settlements", methods=["POST"])
@settling.arguments(schemas.NewSettlementSchema)
@settling.response(201, schemas.SettlementSchema)
def draft(body: dict[str, Any]) -> Batch:
    """Draft the batch of everything unpaid until the end of a day; the same one for the same day.
    The schedule does so by itself.
    """
    return service.draft(core(), actor=actor(), **body)


@settlements.route("/settlements/<uuid:batch>", methods=["GET"])
@settlements.response(200, schemas.SettlementSchema)
def show(batch: UUID) -> Batch:
    """One batch."""
    return service.batch(core(), actor=actor(), batch=BatchId(batch))


@settlements.route("/settlements/<uuid:batch>/lines", methods=["GET"])
@settlements.arguments(schemas.LineArgs, location="query")
@settlements.response(200, page_of(schemas.SettlementLineSchema))
def list_lines(args: dict[str, Any], batch: UUID) -> Any:
    """The lines of a batch."""
    status = LineStatus(args.pop("status")) if args["status"] else args.pop("status")
    return service.lines(core(), actor=actor(), batch=BatchId(batch), status=status, **args)


@settlements.route("/settlements/<uuid:batch>/payments", methods=["GET"])
@settlements.arguments(schemas.PaymentArgs, location="query")
@settlements.response(200, page_of(schemas.SettlementPaymentSchema))
def list_payments(args: dict[str, Any], batch: UUID) -> Any:
    """The rows of a batch's bank file, in its order."""
    status = PaymentStatus(args.pop("status")) if args["status"] else args.pop("status")
    return service.payments(core(), actor=actor(), batch=BatchId(batch), status=status, **args)


@settlements.route("/settlements/<uuid:batch>/shares", methods=["GET"])
@settlements.response(200, schemas.SettlementSharesSchema)
def list_shares(batch: UUID) -> Any:
    """What each budget line bears of a batch."""
    return {"items": service.shares(core(), actor=actor(), batch=BatchId(batch))}


@settlements.route("/settlements/<uuid:batch>/waiting", methods=["GET"])
@settlements.response(200, schemas.SettlementWaitingsSchema)
def list_waiting(batch: UUID) -> Any:
    """What a drafted batch does not pay, and why."""
    found = service.waiting(core(), actor=actor(), batch=BatchId(batch))
    return {"items": [_waiting(one) for one in found]}


@settlements.route("/settlement-merchants/<uuid:merchant>", methods=["GET"])
@settlements.response(200, schemas.SettlementPayeeSchema)
def show_payee(merchant: UUID) -> Payee:
    """A merchant's money: what waits and why, what it was paid ahead."""
    return service.payee(core(), actor=actor(), merchant=MerchantId(merchant))


@settlements.route("/settlement-merchants/<uuid:merchant>/lines", methods=["GET"])
@settlements.arguments(PageArgs, location="query")
@settlements.response(200, page_of(schemas.SettlementLineSchema))
def list_payee_lines(args: dict[str, Any], merchant: UUID) -> Any:
    """What a merchant was paid, newest first."""
    return service.payee_lines(core(), actor=actor(), merchant=MerchantId(merchant), **args)


@settlements.route("/settlements/<uuid:batch>/funding.<any(csv, xlsx):form>", methods=["GET"])
@settlements.response(200, FILE, content_type="text/csv")
@settlements.alt_response(200, schema=FILE, content_type=TYPES[Form.XLSX])
def list_funding(batch: UUID, form: str) -> Response:
    """Whose money each payee of a batch gets; the sum is what the batch's shares come to."""
    return funding_file(BatchId(batch), form)


@settlements.route("/settlement-lines/<uuid:line>/items", methods=["GET"])
@settlements.arguments(PageArgs, location="query")
@settlements.response(200, page_of(schemas.SettlementItemSchema))
def list_items(args: dict[str, Any], line: UUID) -> Any:
    """The redemptions in a line."""
    return service.items(core(), actor=actor(), line=BatchLineId(line), **args)


@settling.route("/settlements/<uuid:batch>/review", methods=["POST"])
@settling.response(202, ProposalSchema)
def review(batch: UUID) -> dict[str, ApprovalId]:
    """Freeze a drafted batch and propose to pay it; what is held by now leaves it."""
    return {"approval_id": service.review(core(), actor=actor(), batch=BatchId(batch))}


@settling.route("/settlements/<uuid:batch>/send", methods=["POST"])
@settling.response(200, schemas.SettlementSchema)
def send(batch: UUID) -> Batch:
    """Write the bank file of an approved batch; asked again it answers the same."""
    return service.send(core(), actor=actor(), batch=BatchId(batch))


@settling.route("/settlements/<uuid:batch>/drop", methods=["POST"])
@settling.arguments(schemas.SettlementDropSchema)
@settling.response(200, schemas.SettlementSchema)
def drop(body: dict[str, Any], batch: UUID) -> Batch:
    """Give a batch up that was not sent."""
    return service.drop(core(), actor=actor(), batch=BatchId(batch), **body)


@settling.route("/settlements/<uuid:batch>/bank-file", methods=["GET"])
@settling.arguments(schemas.FileArgs, location="query")
@settling.response(200, FILE, content_type="text/csv")
@settling.alt_response(200, schema=FILE, content_type=TYPES[Form.XLSX])
def bank_file(args: dict[str, Any], batch: UUID) -> Response:
    """The bank file: the same bytes every time. The read is recorded."""
    return download(BatchId(batch), Form(args["form"]))


@settling.route("/settlements/<uuid:batch>/bank-return", methods=["POST"])
@settling.arguments(schemas.BankReturnSchema)
@settling.response(200, schemas.BankReturnTakenSchema)
def bank_return(body: dict[str, Any], batch: UUID) -> Taken:
    """Take what the bank answered, all of it or nothing; the same file again changes nothing."""
    try:
        content = base64.b64decode(body["content"], validate=True)
    except (binascii.Error, ValueError):
        raise files.refusal([(0, files.NOT_A_TABLE)]) from None
    return service.take_return(core(), actor=actor(), content=content, batch=BatchId(batch))


@settling.route("/settlement-payments/<uuid:payment>/retry", methods=["POST"])
@settling.response(204)
def retry(payment: UUID) -> None:
    """Let the next batch try a bounced payment again, to the same account."""
    service.retry(core(), actor=actor(), payment=PaymentId(payment))


@settling.route("/settlement-advances", methods=["POST"])
@settling.arguments(schemas.NewAdvanceSchema)
@settling.response(202, ProposalSchema)
def advance(body: dict[str, Any]) -> dict[str, ApprovalId]:
    """Propose to pay a merchant ahead; later lines net it off."""
    approval = service.propose_advance(
        core(),
        actor=actor(),
        merchant=MerchantId(body["merchant_id"]),
        amount=body["amount_fen"],
        reason=body["reason"],
    )
    return {"approval_id": approval}


def _waiting(one: Waiting) -> dict[str, Any]:
    """What waits for one reason, its merchants by name."""
    names = ("reason", "count", "amount", "leave_count", "leave_amount", "more")
    told = {name: getattr(one, name) for name in names}
    whose = [{"merchant_id": id, "name": name, "amount": sum_} for id, name, sum_ in one.merchants]
    return {**told, "merchants": whose}


def funding_file(batch: BatchId, form: str) -> Response:
    """Whose money each payee gets, as an attachment. Raises NoSuchThing, NotAllowed."""
    who, language = actor(), locale()
    found = service.batch(core(), actor=who, batch=batch)

    def write(out: BinaryIO) -> None:
        put = partial(settling_words.write_funding, form=form, language=language, out=out)
        service.export_funding(core(), actor=who, batch=batch, write=put)

    return as_file(f"funding-{found.number}", form, write)


def download(batch: BatchId, form: Form) -> Response:
    """The bank file as an attachment. Raises NoSuchThing, NotAllowed."""
    name, content = service.bank_file(core(), actor=actor(), batch=batch, form=form)
    answer = Response(content, content_type=TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
