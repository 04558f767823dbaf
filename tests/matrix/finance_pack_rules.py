"""Who may take a batch's papers, which hold account numbers: finance of the whole city."""

from __future__ import annotations

from voucher_service.kernel.actor import Role

from .settlement_rules import drafted
from .table import get

FINANCE = frozenset({Role.FINANCE})


# The batch was not reviewed yet: who may is told so.
DESK = (
    get(
        "/api/v1/settlements/<uuid:id>/finance-pack",
        FINANCE,
        of=drafted,
        answers=409,
        whole=True,
    ),
    get("/settlements/<uuid:id>/finance-pack.zip", FINANCE, of=drafted, answers=409, whole=True),
)
