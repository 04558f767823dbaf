"""Residents at the desk: found masked, revealed with a reason; each reading is on record.

What is typed travels in a body only, so that no address and no log holds it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request

from admin.api.people_schemas import (
    ForgetSchema,
    FoundSchema,
    LookUpSchema,
    ProposedSchema,
    RevealedSchema,
    RevealSchema,
)
from admin.staff import work
from voucher_service.forgetting import service as forgetting
from voucher_service.identity import service
from voucher_service.identity.desk import Field, Masked, Reason
from voucher_service.identity.documents import Document
from voucher_service.identity.service.reading import Desk
from voucher_service.kernel.ids import ResidentId
from voucher_service.reports import holders
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.site import core

residents = ApiBlueprint("residents", __name__, url_prefix="/api/v1/residents")


@residents.route("/lookups", methods=["POST"])
@residents.arguments(LookUpSchema)
@residents.response(200, FoundSchema)
def look_up(body: dict[str, Any]) -> Any:
    """Find a resident by mobile, id number or voucher; what is shown is masked."""
    return {"resident": find(**body)}


@residents.route("/<uuid:resident>/reveals", methods=["POST"])
@residents.arguments(RevealSchema)
@residents.response(200, RevealedSchema)
def reveal(body: dict[str, Any], resident: UUID) -> Any:
    """Read some fields in clear, for a reason."""
    shown = service.reveal(
        core(),
        actor=actor(),
        desk=desk(),
        resident=ResidentId(resident),
        fields=[Field(one) for one in body["fields_"]],
        reason=Reason(body["reason"]),
        note=body["note"],
    )
    return {"revealed": {str(field): text for field, text in shown.items()}}


@residents.route("/<uuid:resident>/forget", methods=["POST"])
@residents.arguments(ForgetSchema)
@residents.response(202, ProposedSchema)
def forget(body: dict[str, Any], resident: UUID) -> Any:
    """Propose to forget a resident who asked for it; a second person decides."""
    proposed = forgetting.propose(
        core(), actor=actor(), resident=ResidentId(resident), note=body["note"]
    )
    return {"approval_id": proposed}


def find(
    *,
    mobile: str = "",
    id_number: str = "",
    voucher_id: UUID | None = None,
    document: str = Document.RESIDENT_ID,
) -> Masked | None:
    """The resident by the one thing that was typed. Raises what the look-up refuses."""
    asked: dict[str, Any] = {"core": core(), "actor": actor(), "desk": desk()}
    if voucher_id is not None:
        holder = holders.holder(core(), voucher=voucher_id)
        return service.look_up_holder(**asked, voucher=voucher_id, holder=holder)
    if id_number:
        kind = Document(document)
        return service.look_up_identity(**asked, id_number=id_number, document=kind)
    return service.look_up_mobile(**asked, mobile=mobile)


def desk() -> Desk:
    """Where the caller reads."""
    rule = request.url_rule.rule if request.url_rule else ""
    return Desk(rule, work().session)
