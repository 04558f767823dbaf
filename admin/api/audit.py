"""The audit trail, for auditors of the whole city; their searches are on it too."""

from __future__ import annotations

from typing import Any

from flask import Response

from admin.api.people_schemas import CriteriaSchema, EventArgs, EventSchema, WhoSawSchema
from voucher_service.audit import search
from voucher_service.audit.model import Criteria
from voucher_service.identity import service as identity
from voucher_service.identity.documents import Document
from voucher_service.web.api import FILE, ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

audit = ApiBlueprint("audit", __name__, url_prefix="/api/v1/audit")


@audit.route("/events", methods=["GET"])
@audit.arguments(EventArgs, location="query")
@audit.response(200, page_of(EventSchema))
def list_events(args: dict[str, Any]) -> Any:
    """Events that fit, newest first."""
    cursor, limit = args.pop("cursor"), args.pop("limit")
    return search.page(core(), actor=actor(), criteria=Criteria(**args), cursor=cursor, limit=limit)


@audit.route("/events.csv", methods=["GET"])
@audit.arguments(CriteriaSchema, location="query")
@audit.response(200, FILE, content_type="text/csv")
def events_csv(args: dict[str, Any]) -> Response:
    """The newest 10,000 events that fit, as a file."""
    return download(Criteria(**args))


@audit.route("/readers", methods=["POST"])
@audit.arguments(WhoSawSchema)
@audit.response(200, page_of(EventSchema))
def who_saw(body: dict[str, Any]) -> Any:
    """Who looked up or revealed the person with this number, newest first."""
    body["document"] = Document(body["document"])
    return identity.seen_by(core(), actor=actor(), **body)


def download(criteria: Criteria) -> Response:
    """The events as an attachment. Raises NotAllowed."""
    content = search.file(core(), actor=actor(), criteria=criteria)
    answer = Response(content, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="events.csv"'
    return answer
