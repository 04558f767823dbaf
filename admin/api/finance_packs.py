"""The finance pack of a settlement batch, as a file."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

from flask import Response

from voucher_service.finance_pack import service
from voucher_service.settlement.model import BatchId
from voucher_service.web.api import FILE, ApiBlueprint, ProblemSchema
from voucher_service.web.auth import actor
from voucher_service.web.site import core

packing = ApiBlueprint("packing", __name__, url_prefix="/api/v1/settlements")
ZIP = "application/zip"


@packing.route("/<uuid:id>/finance-pack", methods=["GET"])
@packing.response(200, FILE, content_type=ZIP)
@packing.alt_response(409, schema=ProblemSchema, content_type="application/problem+json")
def finance_pack(id: UUID) -> Response:
    """Ten documents and their hashes in one zip; it holds account numbers, and is recorded."""
    return packed(id)


def packed(id: UUID) -> Response:
    """The pack as a download; `X-Content-SHA256` is the zip's, in hex."""
    out = BytesIO()  # some megabytes: the largest batches are not made here
    pack = service.hand_out_online(core(), actor=actor(), batch=BatchId(id), out=out)
    response = Response(out.getvalue(), content_type=ZIP)
    name = f"finance-pack-{id}-{pack.number}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-SHA256"] = pack.sha256
    return response
