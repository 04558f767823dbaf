"""Proposals: see, approve, send back. Who proposes never approves; the service says so first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from admin.api.keys import optional_key
from admin.schemas import ApprovalArgs, ApprovalSchema, ReasonSchema
from voucher_service.approvals import service
from voucher_service.approvals.model import Approval, Status
from voucher_service.kernel.ids import ApprovalId
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import replay_header
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

approvals = ApiBlueprint("approvals", __name__, url_prefix="/api/v1/approvals")
rejecting = ApiBlueprint("rejecting", __name__, url_prefix="/api/v1/approvals")


@approvals.route("", methods=["GET"])
@approvals.arguments(ApprovalArgs, location="query")
@approvals.response(200, page_of(ApprovalSchema))
def list_approvals(args: dict[str, Any]) -> Any:
    """Proposals of the caller's area, oldest first."""
    status = Status(args["state"]) if args["state"] else None
    return service.page(
        core(), actor=actor(), status=status, cursor=args["cursor"], limit=args["limit"]
    )


@approvals.route("/<uuid:approval>", methods=["GET"])
@approvals.response(200, ApprovalSchema)
def show(approval: UUID) -> Any:
    """One proposal."""
    return service.get(core(), actor=actor(), approval=ApprovalId(approval))


@approvals.route("/<uuid:approval>/approve", methods=["POST"])
@approvals.response(200, ApprovalSchema)
def approve(approval: UUID) -> Any:
    """Sign; with the last signature needed the frozen payload is executed. A key is optional."""
    return _decided(
        service.approve(core(), actor=actor(), approval=ApprovalId(approval), key=optional_key())
    )


@rejecting.route("/<uuid:approval>/reject", methods=["POST"])
@rejecting.arguments(ReasonSchema)
@rejecting.response(200, ApprovalSchema)
def reject(body: dict[str, Any], approval: UUID) -> Any:
    """Send it back with a reason; its maker withdraws it so. A key is optional."""
    return _decided(
        service.reject(
            core(), actor=actor(), approval=ApprovalId(approval), key=optional_key(), **body
        )
    )


def _decided(found: Approval) -> Any:
    return found, 200, replay_header(found.replayed)
