"""Colleagues: an administrator proposes accounts and roles, an approver decides; see approvals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from admin.api.people_schemas import (
    ColleagueSchema,
    FirstPasswordSchema,
    NewStaffSchema,
    ProposedSchema,
    ProposedStaffSchema,
    RolesSchema,
    SessionSchema,
)
from voucher_service.identity import service
from voucher_service.kernel.actor import Role
from voucher_service.kernel.ids import StaffId
from voucher_service.kernel.page import Page
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.schemas import PageArgs, page_of
from voucher_service.web.site import core

colleagues = ApiBlueprint("colleagues", __name__, url_prefix="/api/v1/staff")
staffing = ApiBlueprint("staffing", __name__, url_prefix="/api/v1/staff")


@colleagues.route("", methods=["GET"])
@colleagues.arguments(PageArgs, location="query")
@colleagues.response(200, page_of(ColleagueSchema))
def list_staff(args: dict[str, Any]) -> Any:
    """Colleagues of the caller's area, by username."""
    return service.staff_page(core(), actor=actor(), **args)


@colleagues.route("/<uuid:staff>", methods=["GET"])
@colleagues.response(200, ColleagueSchema)
def show(staff: UUID) -> Any:
    """One colleague."""
    return service.staff_account(core(), actor=actor(), staff=StaffId(staff))[0]


@colleagues.route("/<uuid:staff>/sessions", methods=["GET"])
@colleagues.response(200, page_of(SessionSchema))
def list_sessions(staff: UUID) -> Any:
    """A colleague's sessions that still count, newest first."""
    return Page(service.staff_account(core(), actor=actor(), staff=StaffId(staff))[1])


@staffing.route("", methods=["POST"])
@staffing.arguments(NewStaffSchema)
@staffing.response(202, ProposedStaffSchema)
def propose(body: dict[str, Any]) -> Any:
    """Propose an account of a colleague within the caller's area."""
    body["roles"] = [Role(one) for one in body["roles"]]
    id, approval = service.propose_account(core(), actor=actor(), **body)
    return {"id": id, "approval_id": approval}


@staffing.route("/<uuid:staff>/roles", methods=["POST"])
@staffing.arguments(RolesSchema)
@staffing.response(202, ProposedSchema)
def grant(body: dict[str, Any], staff: UUID) -> Any:
    """Propose what a colleague will be: all roles and the area."""
    roles = [Role(one) for one in body["roles"]]
    approval = service.propose_grant(
        core(), actor=actor(), staff=StaffId(staff), roles=roles, area=body["area"]
    )
    return {"approval_id": approval}


@staffing.route("/<uuid:staff>/reset", methods=["POST"])
@staffing.arguments(FirstPasswordSchema)
@staffing.response(202, ProposedSchema)
def reset(body: dict[str, Any], staff: UUID) -> Any:
    """Propose a first password again, without second factors, for somebody who lost theirs."""
    return {
        "approval_id": service.propose_reset(core(), actor=actor(), staff=StaffId(staff), **body)
    }


@staffing.route("/<uuid:staff>/close", methods=["POST"])
@staffing.response(202, ProposedSchema)
def close(staff: UUID) -> Any:
    """Propose to close an account for good."""
    return {"approval_id": service.propose_closing(core(), actor=actor(), staff=StaffId(staff))}


@staffing.route("/<uuid:staff>/sessions", methods=["DELETE"])
@staffing.response(204)
def end_sessions(staff: UUID) -> None:
    """End all sessions of a colleague at once; one person may."""
    service.end_sessions(core(), actor=actor(), staff=StaffId(staff))


@staffing.route("/<uuid:staff>/sessions/<uuid:session>", methods=["DELETE"])
@staffing.response(204)
def end_session(staff: UUID, session: UUID) -> None:
    """End one session of a colleague; one person may."""
    service.end_session(core(), actor=actor(), session=session, staff=StaffId(staff))
