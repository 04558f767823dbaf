"""`/api/v1/cashiers`: the people of a merchant, by its manager; and one's own password."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from merchant_portal.desk_schemas import (
    MoveSchema,
    NewPersonSchema,
    OwnPasswordSchema,
    PasswordSchema,
    PeopleArgs,
    PersonSchema,
)
from voucher_service.identity.documents import Document
from voucher_service.kernel.actor import Role
from voucher_service.kernel.ids import CashierId, ShopId
from voucher_service.kernel.page import Page
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import CashierStatus
from voucher_service.merchants.stands import Person
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor, claims
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

blueprint = ApiBlueprint("cashier_calls", __name__, url_prefix="/api/v1/cashiers")
account = ApiBlueprint("account_calls", __name__, url_prefix="/api/v1/me")


@blueprint.route("", methods=["GET"])
@blueprint.arguments(PeopleArgs, location="query")
@blueprint.response(200, page_of(PersonSchema))
def people(args: dict[str, Any]) -> Page[Person]:
    """Cashiers and managers of the merchant, or of one `shop`, by username."""
    wanted = args | {"status": CashierStatus(args["status"])}
    return merchants.people(core(), actor=actor(), **wanted)


@blueprint.route("", methods=["POST"])
@blueprint.arguments(NewPersonSchema)
@blueprint.response(201, PersonSchema)
def add(body: dict[str, Any]) -> Person:
    """Open an account of a cashier or manager."""
    named = {
        "role": Role(body["role"]),
        "document": Document(body["document"]),
        "shop": ShopId(body["shop"]),
    }
    made = merchants.create_cashier(core(), actor=actor(), **body | named)
    return merchants.person(core(), actor=actor(), cashier=made.id)


@blueprint.route("/<uuid:cashier>/password", methods=["POST"])
@blueprint.arguments(PasswordSchema)
@blueprint.response(204)
def reset_password(body: dict[str, Any], cashier: UUID) -> None:
    """Another password for somebody; their sessions end."""
    merchants.reset_password(core(), actor=actor(), cashier=CashierId(cashier), **body)


@blueprint.route("/<uuid:cashier>/move", methods=["POST"])
@blueprint.arguments(MoveSchema)
@blueprint.response(200, PersonSchema)
def move(body: dict[str, Any], cashier: UUID) -> Person:
    """Let somebody work at another shop of the merchant."""
    return merchants.move_cashier(
        core(), actor=actor(), cashier=CashierId(cashier), shop=ShopId(body["shop"])
    )


@blueprint.route("/<uuid:cashier>/close", methods=["POST"])
@blueprint.response(204)
def close(cashier: UUID) -> None:
    """Close somebody's account for good; their sessions end."""
    merchants.close_cashier(core(), actor=actor(), cashier=CashierId(cashier))


@account.route("/password", methods=["POST"])
@account.arguments(OwnPasswordSchema)
@account.response(204)
def change_password(body: dict[str, Any]) -> None:
    """Another password of one's own; one's other sessions end."""
    merchants.change_password(core(), actor=actor(), session=claims().session, **body)
