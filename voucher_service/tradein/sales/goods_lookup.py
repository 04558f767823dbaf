"""What a sale must know of a product, by its GTIN."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.money import Money

from .model import Product


def product(session: Session, *, gtin: str) -> Product | None:  # noqa: ARG001 - none yet
    """The product of the library; there is no library yet."""
    return None


def filed_price(
    session: Session,  # noqa: ARG001 - none yet
    *,
    merchant: MerchantId,  # noqa: ARG001
    gtin: str,  # noqa: ARG001
    on: date,  # noqa: ARG001
) -> Money | None:
    """What a merchant filed as its price of a product for a day; nothing is filed yet."""
    return None
