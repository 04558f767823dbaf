"""The finance pack from the page of its batch."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint
from werkzeug.wrappers import Response

from admin.api.finance_packs import packed

settlement_pack = Blueprint("settlement_pack", __name__)


@settlement_pack.get("/settlements/<uuid:id>/finance-pack.zip")
def download(id: UUID) -> Response:
    """The batch's documents for the treasury."""
    return packed(id)
