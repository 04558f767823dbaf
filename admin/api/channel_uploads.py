"""Channels' files of any size as the body of a call, read in the background; how far they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields

from voucher_service.i18n.errors import say, wrong_lines
from voucher_service.infra import spool
from voucher_service.infra.spool import Incoming
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.reconciliation.differences import uploading
from voucher_service.reconciliation.differences.layout import Days
from voucher_service.reconciliation.differences.uploads import Upload, UploadId
from voucher_service.web import uploads
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, DayField, InstantField, NameField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

ADDRESS = "/api/v1/channel-files/uploads"
sending = ApiBlueprint("channel-uploads", __name__, url_prefix=ADDRESS)


class UploadArgs(Schema):
    """What the body is: the same words as in a file sent as JSON."""

    format = NameField(required=True, maximum=40)
    file_name = NameField(required=True, maximum=80)
    merchant_id = fields.UUID(load_default=None)
    shop_id = fields.UUID(load_default=None)
    with_others = fields.Boolean(load_default=False)
    day = DayField(load_default=None)
    last_day = DayField(load_default=None)


class RefusalSchema(Schema):
    """Why a file was not taken. `lines`: `where` it is wrong, and a `text`; `file_id`: the file
    that has the same content.
    """

    code = fields.String(required=True)
    detail = fields.Function(lambda told: say(told["code"], locale(), told["params"]))
    lines = fields.Function(
        lambda told: [{"where": one, "text": text} for one, text in wrong_lines(told, locale())]
    )
    file_id = fields.UUID(dump_default=None, allow_none=True)


class ChannelUploadSchema(Schema):
    """A file that was sent. `status`: waiting taken refused; `read_bytes` of `size_bytes` were read
    by now; `file_id`: what it became. Of one that was refused nothing is in the books.
    """

    id = fields.UUID(required=True)
    format = fields.String(required=True)
    merchant_id = fields.UUID(required=True, allow_none=True)
    shop_id = fields.UUID(required=True, allow_none=True)
    with_others = fields.Boolean(required=True)
    day = DayField(dump_default=None, allow_none=True, attribute="days.first")
    last_day = DayField(dump_default=None, allow_none=True, attribute="days.last")
    file_name = fields.String(required=True)
    size_bytes = CountField(required=True)
    read_bytes = CountField(required=True)
    status = fields.String(required=True)
    file_id = fields.UUID(required=True, allow_none=True)
    refusal = fields.Nested(RefusalSchema, required=True, allow_none=True)
    made_at = InstantField(required=True)
    ended_at = InstantField(required=True, allow_none=True)


class ChannelUploadsSchema(Schema):
    """Files that wait, and those refused within a week."""

    items = fields.List(fields.Nested(ChannelUploadSchema), required=True)


@sending.route("", methods=["POST"])
@sending.arguments(UploadArgs, location="query")
@sending.takes(*uploads.STREAMED)
@sending.response(202, ChannelUploadSchema)
def send(args: dict[str, Any]) -> Any:
    """Send a file of any size as the body, with its Content-Length; it is read in the background.

    Ask at the `Location` how far it is. A file without a line, or with lines of several days, says
    its days (`day`, `last_day`). The same file a second time is refused once it is read.
    """
    merchant, shop = args["merchant_id"], args["shop_id"]
    about: dict[str, Any] = {
        "actor": actor(),
        "format": args["format"],
        "merchant": MerchantId(merchant) if merchant else None,
        "shop": ShopId(shop) if shop else None,
        "days": Days.said(args["day"], args["last_day"]),
    }
    uploading.check(core(), size_bytes=uploads.stream_length(), **about)
    with Incoming(spool.folder(core().settings)) as incoming:
        uploads.receive(incoming)
        made = uploading.keep(
            core(),
            incoming=incoming,
            file_name=args["file_name"],
            with_others=args["with_others"],
            **about,
        )
    return made, 202, {"Location": f"{ADDRESS}/{made.id}"}


@sending.route("", methods=["GET"])
@sending.response(200, ChannelUploadsSchema)
def list_uploads() -> Any:
    """The files that wait, and those refused within a week, the oldest first."""
    return {"items": uploading.current(core(), actor=actor())}


@sending.route("/<uuid:id>", methods=["GET"])
@sending.response(200, ChannelUploadSchema)
def show(id: UUID) -> Upload:
    """How far a file is, what it became, or why it was not taken."""
    return uploading.get(core(), actor=actor(), upload=UploadId(id))
