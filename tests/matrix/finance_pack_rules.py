"""Who may take a batch's papers, which hold account numbers: finance of the whole city."""

from __future__ import annotations

from voucher_service.kernel.actor import Role

from .settlement_rules import approved
from .table import get

FINANCE = frozenset({Role.FINANCE})


DESK = (
    get(
        "/api/v1/settlements/<uuid:id>/finance-pack",
        FINANCE,
        of=approved,
        whole=True,
    ),
    get("/settlements/<uuid:id>/finance-pack.zip", FINANCE, of=approved, whole=True),
)
