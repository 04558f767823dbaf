"""Outcome data from outside: what was imported, and importing more."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from marshmallow import fields

from voucher_service.causal import service
from voucher_service.causal.outcomes import OutcomeFile
from voucher_service.kernel.page import Page
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, FenField, InstantField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

outcomes = ApiBlueprint("outcomes", __name__, url_prefix="/api/v1/outcomes")
importing = ApiBlueprint("outcome-import", __name__, url_prefix="/api/v1/outcomes")

# Larger files are imported at the command line, which reads them as a stream.
FILE_LIMIT_BYTES = 16 * 1024 * 1024


class OutcomeFileSchema(Schema):
    """A file that was imported whole. `kind`: panel orders areas. `amounts`: order paid."""

    id = fields.UUID(required=True)
    offer_id = fields.UUID(attribute="head.offer", required=True)
    kind = fields.String(attribute="head.kind", required=True)
    provider = fields.String(attribute="head.provider", required=True)
    made_on = fields.Date(attribute="head.made_on", required=True)
    amounts = fields.String(attribute="head.amounts", required=True)
    first_day = fields.Date(attribute="head.first", required=True)
    last_day = fields.Date(attribute="head.last", required=True)
    lines = CountField(attribute="head.lines", required=True)
    total_fen = FenField(attribute="head.total", required=True)
    sha256 = fields.String(required=True)
    imported_by = fields.UUID(required=True)
    imported_at = InstantField(required=True)


class ImportSchema(Schema):
    """The text of an outcome file, as docs/causal.md describes it."""

    file = fields.String(required=True)


@outcomes.route("", methods=["GET"])
@outcomes.arguments(PageArgs, location="query")
@outcomes.response(200, page_of(OutcomeFileSchema))
def list_files(args: dict[str, Any]) -> Page[OutcomeFile]:
    """Files about offers of the caller's area, newest first."""
    return service.files(core(), actor=actor(), cursor=args["cursor"], limit=args["limit"])


@importing.route("", methods=["POST"])
@importing.arguments(ImportSchema)
@importing.response(201, OutcomeFileSchema)
def import_file(body: dict[str, Any]) -> OutcomeFile:
    """Import a file, all of it or nothing; its estimates are made by a job."""
    content = BytesIO(body["file"].encode("utf-8", "replace"))
    return service.import_file(core(), actor=actor(), stream=content)
