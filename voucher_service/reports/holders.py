"""Whose a voucher is: for the desk, where a resident is looked up by one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ResidentId
from voucher_service.vouchers.tables import VoucherRow


def holder(core: Core, *, voucher: UUID) -> ResidentId | None:
    """The resident who claimed a voucher; None when there is no such voucher."""
    with core.transaction() as session:
        found = session.scalars(
            select(VoucherRow.resident_id).where(VoucherRow.id == voucher)
        ).one_or_none()
    return None if found is None else ResidentId(found)
