"""What each yuan of spending that the vouchers caused has cost; or why nobody can say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from voucher_service.causal.service import Estimate, headline
from voucher_service.i18n import formats, gettext, mark

NO_DATA = mark("还不能估计：没有结果数据")
MAY_BE_NONE = mark("不能说：净拉动的区间里有 0")


@dataclass(frozen=True, slots=True)
class Cost:
    """Redeemed yuan for each extra yuan: the point and the ends of the interval. Without them
    `reason` says why there is none.
    """

    point: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    reason: str | None = NO_DATA

    def in_words(self, locale: str) -> str:
        """The same for a person."""
        if self.point is None:
            return f"–（{gettext(self.reason or NO_DATA, locale)}）"
        found = [formats.ratio(one) for one in (self.point, self.low, self.high)]
        said = mark("{point} 元（95% 区间 {low} 到 {high} 元）")
        return gettext(said, locale, point=found[0], low=found[1], high=found[2])


def cost(estimates: Sequence[Estimate]) -> Cost:
    """From the estimate that the report says first: one over its effect. An effect that may be
    none has a cost without an end, which is no figure to print.
    """
    best = headline(estimates)
    if best is None or best.effect is None:
        return Cost()
    if best.effect.low <= 0:
        return Cost(reason=MAY_BE_NONE)
    point, low, high = (
        (1 / Decimal(str(one))).quantize(Decimal("0.0001"))
        for one in (best.effect.point, best.effect.high, best.effect.low)
    )
    return Cost(point, low, high, None)
