"""Who may take a batch's papers, which hold account numbers: finance of the whole city."""

from __future__ import annotations

from voucher_service.kernel.actor import Role

from .settlement_rules import approved
from .table import get

FINANCE = frozenset({Role.FINANCE})


# The batch is of a day to come, so the account's papers do not tie yet: who may is told so.
DESK = (
    get(
        "/api/v1/settlements/<uuid:id>/finance-pack",
        FINANCE,
        of=approved,
        answers=409,
        whole=True,
    ),
    get("/settlements/<uuid:id>/finance-pack.zip", FINANCE, of=approved, answers=409, whole=True),
)
