"""Files of payment channels and tills beside our books, and the differences in them."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from admin.schemas import one_of
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.reconciliation.differences import exporting, formats, service
from voucher_service.reconciliation.differences.layout import Days
from voucher_service.reconciliation.differences.model import (
    ChannelFile,
    ChannelFileId,
    Difference,
    DifferenceId,
    Status,
)
from voucher_service.reconciliation.model import Finding
from voucher_service.web.api import FILE, ApiBlueprint
from voucher_service.web.attachments import TYPES, as_file
from voucher_service.web.auth import actor
from voucher_service.web.fields import (
    CountField,
    DayField,
    FenField,
    InstantField,
    NameField,
    TextField,
)
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

files = ApiBlueprint("channel-files", __name__, url_prefix="/api/v1/channel-files")
importing = ApiBlueprint("channel-importing", __name__, url_prefix="/api/v1/channel-files")
differences = ApiBlueprint("differences", __name__, url_prefix="/api/v1/differences")
working = ApiBlueprint("difference-working", __name__, url_prefix="/api/v1/differences")

# At once at the desk or as JSON; larger files are read in the background.
FILE_LIMIT_BYTES = 24 * 1024 * 1024


class ChannelFileSchema(Schema):
    """An imported file. `counts`: lines by finding (matched only_ours only_theirs undone
    amount_differs duplicate date_shifted); `ours_fen` and `theirs_fen`: what customers paid by
    either side; `open`: differences under way; `replaces`: an earlier file about the same days.
    """

    id = fields.UUID(required=True)
    format = fields.String(required=True)
    merchant_id = fields.UUID(required=True, allow_none=True)
    shop_id = fields.UUID(required=True, allow_none=True)
    with_others = fields.Boolean(required=True)
    file_name = fields.String(required=True)
    sha256 = fields.String(required=True)
    first_day = DayField(required=True, attribute="first")
    last_day = DayField(required=True, attribute="last")
    counts = fields.Function(lambda one: {str(name): count for name, count in one.counts.items()})
    ours_fen = FenField(required=True, attribute="ours")
    theirs_fen = FenField(required=True, attribute="theirs")
    open = CountField(required=True)
    replaces = fields.UUID(required=True, allow_none=True)
    made_by = fields.UUID(required=True, allow_none=True)
    made_at = InstantField(required=True)


class NewChannelFileSchema(Schema):
    """A file as text, and what it is: `format` one of the known ones or a channel's name. A till's
    file is of one shop; a channel's of the whole city, or of one merchant. `with_others`: it also
    has orders without a voucher; `day`, `last_day`: the days of a file that has no line, or lines
    of several days.
    """

    format = NameField(required=True, maximum=40)
    file_name = NameField(required=True, maximum=80)
    content = fields.String(required=True)
    merchant_id = fields.UUID(load_default=None, allow_none=True)
    shop_id = fields.UUID(load_default=None, allow_none=True)
    with_others = fields.Boolean(load_default=False)
    day = DayField(load_default=None, allow_none=True)
    last_day = DayField(load_default=None, allow_none=True)


class FormatSchema(Schema):
    """A format that is known, and the headings that its files must have."""

    id = fields.String(required=True)
    channel = fields.String(required=True)
    valid_from = DayField(required=True)
    against = fields.String(required=True)
    headings = fields.Function(lambda one: sorted(one.headings))


class FormatsSchema(Schema):
    """Every format."""

    items = fields.List(fields.Nested(FormatSchema), required=True)


class OurSideSchema(Schema):
    """What our books say: of a redemption, or of a payment of a settlement, which has no order."""

    redemption_id = fields.UUID(required=True, allow_none=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    at = InstantField(required=True)
    order_fen = FenField(required=True, attribute="order")
    discount_fen = FenField(required=True, attribute="discount")
    paid_fen = FenField(required=True, attribute="paid")


class TheirSideSchema(Schema):
    """What the file says; what it leaves out is null."""

    line = CountField(required=True)
    at = InstantField(required=True)
    day = DayField(required=True)
    order_fen = FenField(required=True, allow_none=True, attribute="order")
    discount_fen = FenField(required=True, allow_none=True, attribute="discount")
    paid_fen = FenField(required=True, allow_none=True, attribute="paid")


class NoteSchema(Schema):
    """Somebody's word; `by` null is the system."""

    by = fields.UUID(required=True, allow_none=True)
    event = fields.String(required=True)
    text = fields.String(required=True)
    at = InstantField(required=True)


class ChannelDifferenceSchema(Schema):
    """A line that did not match. `status`: open proposed explained corrected accepted; `holds`: the
    redemption is kept out of settlement meanwhile, or the payment is not made again; `differs`:
    order discount paid.
    """

    id = fields.UUID(required=True)
    file_id = fields.UUID(required=True)
    format = fields.String(required=True)
    kind = fields.String(required=True, attribute="line.kind")
    finding = fields.String(required=True, attribute="line.finding")
    reference = fields.String(required=True, attribute="line.reference")
    differs = fields.Function(lambda one: [str(part) for part in one.line.differs])
    ours = fields.Nested(OurSideSchema, required=True, allow_none=True, attribute="line.ours")
    theirs = fields.Nested(TheirSideSchema, required=True, allow_none=True, attribute="line.theirs")
    area = fields.String(required=True)
    status = fields.String(required=True)
    owner = fields.UUID(required=True, allow_none=True)
    due_at = InstantField(required=True)
    correction_fen = FenField(required=True, allow_none=True, attribute="correction")
    holds = fields.Boolean(required=True)
    opened_at = InstantField(required=True)
    closed_at = InstantField(required=True, allow_none=True)
    notes = fields.List(fields.Nested(NoteSchema), required=True)


class DifferenceArgs(PageArgs):
    """Which differences."""

    state = fields.String(load_default=Status.OPEN.value, validate=one_of(*map(str, Status)))
    finding = fields.String(load_default=None, validate=one_of(*map(str, Finding)))
    file_id = fields.UUID(load_default=None)


class WordsSchema(Schema):
    """What is said."""

    text = TextField(required=True, minimum=2, maximum=500, multiline=True)


class ClosingSchema(Schema):
    """What closes it: `amount_fen` of the order given back, or, null, our books accepted."""

    amount_fen = FenField(load_default=None, allow_none=True)
    reason = TextField(required=True, minimum=2, maximum=500, multiline=True)


class ClosingProposedSchema(Schema):
    """The proposal, which a second person decides."""

    approval_id = fields.UUID(required=True)


@files.route("", methods=["GET"])
@files.arguments(PageArgs, location="query")
@files.response(200, page_of(ChannelFileSchema))
def list_files(args: dict[str, Any]) -> Any:
    """Imported files, newest first; for staff of the whole city."""
    return service.files(core(), actor=actor(), **args)


@files.route("/formats", methods=["GET"])
@files.response(200, FormatsSchema)
def known_formats() -> Any:
    """The formats that are known."""
    return {"items": list(formats.shelf().values())}


@importing.route("", methods=["POST"])
@importing.arguments(NewChannelFileSchema)
@importing.response(201, ChannelFileSchema)
def take(body: dict[str, Any]) -> ChannelFile:
    """Import a file and open a difference for each line that is not alike. A wrong line refuses the
    whole file and is named in `lines`; the same file twice is refused. Files over 24 MB are sent to
    `/channel-files/uploads`.
    """
    content = body.pop("content").encode("utf-8", "replace")
    merchant, shop = body.pop("merchant_id"), body.pop("shop_id")
    return service.take(
        core(),
        actor=actor(),
        source=io.BytesIO(content),
        merchant=MerchantId(merchant) if merchant else None,
        shop=ShopId(shop) if shop else None,
        days=Days.said(body.pop("day"), body.pop("last_day")),
        **body,
    )


@files.route("/<uuid:id>", methods=["GET"])
@files.response(200, ChannelFileSchema)
def show_file(id: UUID) -> ChannelFile:
    """One file with its counts."""
    return service.file(core(), actor=actor(), file=ChannelFileId(id))


@files.route("/<uuid:id>/lines.<any(csv, xlsx):format_>", methods=["GET"])
@files.response(200, FILE, content_type="text/csv")
@files.alt_response(200, schema=FILE, content_type=TYPES["xlsx"])
def lines(id: UUID, format_: str) -> Response:
    """Every line of both sides with what became of it, and totals that tie to the ledger."""
    return download(id, format_)


@differences.route("", methods=["GET"])
@differences.arguments(DifferenceArgs, location="query")
@differences.response(200, page_of(ChannelDifferenceSchema))
def list_differences(args: dict[str, Any]) -> Any:
    """Differences of the caller's area, the one that is due first at the beginning."""
    finding, file = args.pop("finding"), args.pop("file_id")
    return service.differences(
        core(),
        actor=actor(),
        status=Status(args.pop("state")),
        finding=Finding(finding) if finding else None,
        file=ChannelFileId(file) if file else None,
        **args,
    )


@differences.route("/<uuid:id>", methods=["GET"])
@differences.response(200, ChannelDifferenceSchema)
def show(id: UUID) -> Difference:
    """One difference, both sides of it, and what was said."""
    return service.difference(core(), actor=actor(), difference=DifferenceId(id))


@working.route("/<uuid:id>/notes", methods=["POST"])
@working.arguments(WordsSchema)
@working.response(200, ChannelDifferenceSchema)
def comment(body: dict[str, Any], id: UUID) -> Difference:
    """Say something about it."""
    found = DifferenceId(id)
    service.comment(core(), actor=actor(), difference=found, text=body["text"])
    return service.difference(core(), actor=actor(), difference=found)


@working.route("/<uuid:id>/owner", methods=["POST"])
@working.response(200, ChannelDifferenceSchema)
def take_over(id: UUID) -> Difference:
    """Look after it from now on."""
    found = DifferenceId(id)
    service.take_over(core(), actor=actor(), difference=found)
    return service.difference(core(), actor=actor(), difference=found)


@working.route("/<uuid:id>/explain", methods=["POST"])
@working.arguments(WordsSchema)
@working.response(200, ChannelDifferenceSchema)
def explain(body: dict[str, Any], id: UUID) -> Difference:
    """Close one that holds no money back."""
    found = DifferenceId(id)
    service.explain(core(), actor=actor(), difference=found, text=body["text"])
    return service.difference(core(), actor=actor(), difference=found)


@working.route("/<uuid:id>/propose", methods=["POST"])
@working.arguments(ClosingSchema)
@working.response(202, ClosingProposedSchema)
def propose(body: dict[str, Any], id: UUID) -> Any:
    """Ask a second person to correct it, or to accept our books as they are."""
    proposal = service.propose(
        core(),
        actor=actor(),
        difference=DifferenceId(id),
        amount=body["amount_fen"],
        reason=body["reason"],
    )
    return {"approval_id": proposal}


def download(id: UUID, format_: str) -> Response:
    """The lines of a file as an attachment. Raises NotAllowed, NoSuchThing."""
    return as_file(
        "reconciliation",
        format_,
        lambda out: exporting.export(
            core(),
            actor=actor(),
            file=ChannelFileId(id),
            format_=format_,
            locale=locale(),
            out=out,
        ),
    )
