"""Typed identifiers. New rows get UUIDv7, so that indexes grow at one end."""

from __future__ import annotations

import os
import time
from typing import NewType
from uuid import UUID, uuid5

ResidentId = NewType("ResidentId", UUID)
StaffId = NewType("StaffId", UUID)
MerchantId = NewType("MerchantId", UUID)
ShopId = NewType("ShopId", UUID)
CashierId = NewType("CashierId", UUID)
DeviceId = NewType("DeviceId", UUID)
PointId = NewType("PointId", UUID)
FunderId = NewType("FunderId", UUID)
BudgetLineId = NewType("BudgetLineId", UUID)
ProgrammeId = NewType("ProgrammeId", UUID)
CampaignId = NewType("CampaignId", UUID)
OfferId = NewType("OfferId", UUID)
ReleaseId = NewType("ReleaseId", UUID)
VoucherId = NewType("VoucherId", UUID)
RedemptionId = NewType("RedemptionId", UUID)
ApprovalId = NewType("ApprovalId", UUID)

_VOUCHERS = UUID("6f1d0c3e-8a55-5d0b-9a5e-3f1c2b7a9e10")


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then randomness."""
    value = (int(time.time() * 1000) & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def voucher_id(offer: OfferId, resident: ResidentId, ordinal: int, generation: int) -> VoucherId:
    """The id a claim will have, whoever computes it and however often: UUIDv5 of what it is."""
    return VoucherId(uuid5(_VOUCHERS, f"{offer}|{resident}|{ordinal}|{generation}"))
