"""Whom the redeemed money reached: the parts of it spent at small merchants and in counties."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.money import Money
from voucher_service.merchants.model import SizeClass

from .figures import Figures, quotient
from .groups import Cells, GroupBy


@dataclass(frozen=True, slots=True)
class Reach:
    """Parts of what was redeemed; None where nothing was, or where a reader may not know."""

    small: Decimal | None = None
    county: Decimal | None = None


def read(session: Session, cells: Cells[Figures]) -> Reach:
    """The parts of a programme's redeemed money within the cells' days."""
    by_size = cells.by(session, GroupBy.MERCHANT_SIZE)
    by_area = cells.by(session, GroupBy.AREA)
    redeemed = Money.total(one.redeemed for one in by_size.values())
    small = by_size.get(SizeClass.SMALL, Figures()).redeemed
    county = Money.total(
        one.redeemed for code, one in by_area.items() if code and areas.is_county(code)
    )
    return Reach(quotient(small, redeemed), quotient(county, redeemed))
