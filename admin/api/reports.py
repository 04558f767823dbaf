"""The leverage report, as JSON and as files, and the call that rings reconciliation."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from admin import figures
from admin.schemas import LeverageArgs, ReconcileSchema, ReconciliationSchema
from voucher_service.proof import service as proof
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import deliver, leverage
from voucher_service.web.api import FILE, ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.site import core

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"
_TYPES = {"xlsx": XLSX, "csv": "text/csv", "zip": ZIP, "pdf": PDF, "json": "application/json"}
reports = ApiBlueprint("reports", __name__, url_prefix="/api/v1/reports")
reconciliations = ApiBlueprint("reconciliations", __name__, url_prefix="/api/v1/reconciliations")

_GROUP = {"type": "object", "required": ["key"]}
REPORT = {
    "type": "object",
    "required": [
        "programme",
        "as_of",
        "basis",
        "group_by",
        "rows",
        "totals",
        "trade_in",
        "definitions",
    ],
    "properties": {
        "programme": {"type": "string"},
        "synthetic": {"type": "boolean"},
        "as_of": {"type": ["string", "null"], "format": "date-time"},
        "basis": {"type": "string"},
        "group_by": {"type": "string"},
        "rows": {"type": "array", "items": _GROUP},
        "totals": _GROUP,
        "trade_in": {
            "type": "object",
            "required": ["units", "applications", "subsidy_fen", "turnover_fen"],
            "properties": {one: {"type": "array"} for one in ("rows", "categories", "payers")},
        },
    },
}


@reports.route("/leverage", methods=["GET"])
@reports.arguments(LeverageArgs, location="query")
@reports.response(200, REPORT)
def as_json(args: dict[str, Any]) -> Response:
    """The figures of the last reconciliation, by group, with their definitions."""
    return jsonify(leverage.as_json(figures.report(actor(), args), locale()))


@reports.route("/leverage.xlsx", methods=["GET"])
@reports.arguments(LeverageArgs, location="query")
@reports.response(200, FILE, content_type=XLSX)
def as_xlsx(args: dict[str, Any]) -> Response:
    """The same figures as an Excel file."""
    return file(args, "xlsx")


@reports.route("/leverage.csv", methods=["GET"])
@reports.arguments(LeverageArgs, location="query")
@reports.response(200, FILE, content_type="text/csv")
def as_csv(args: dict[str, Any]) -> Response:
    """The groups as a CSV file."""
    return file(args, "csv")


@reports.route("/leverage.zip", methods=["GET"])
@reports.arguments(LeverageArgs, location="query")
@reports.response(200, FILE, content_type=ZIP)
def as_zip(args: dict[str, Any]) -> Response:
    """Every table of the report as a CSV file, in one archive."""
    return file(args, "zip")


@reports.route("/leverage.pdf", methods=["GET"])
@reports.arguments(LeverageArgs, location="query")
@reports.response(200, FILE, content_type=PDF)
def as_pdf(args: dict[str, Any]) -> Response:
    """The same figures as a PDF, with a chart."""
    return file(args, "pdf")


@reconciliations.route("", methods=["POST"])
@reconciliations.arguments(ReconcileSchema)
@reconciliations.response(202, ReconciliationSchema)
def reconcile(body: dict[str, Any]) -> Any:
    """Ring the reconciliation of a programme, or of all."""
    return {"jobs": reconciliation.ask(core(), programme=body["programme"], whole=body["whole"])}


def file(args: dict[str, Any], form: str) -> Response:
    """The report as a download, in the reader's language, with the head published with it."""
    proof.publish(core())
    found = figures.report(actor(), args)
    response = Response(deliver.written(found, form, locale()), content_type=_TYPES[form])
    name = f"leverage-{args['programme']}-{args['group_by']}.{form}"
    shown = "inline" if form == "json" else "attachment"
    response.headers["Content-Disposition"] = f'{shown}; filename="{name}"'
    return response
