"""How the slips of a table and the reasons of a suspicion are told to people."""

from __future__ import annotations

from collections.abc import Mapping

from voucher_service.i18n import gettext, mark

from .model import Slip, Wrong
from .pricing import Reason

REASONS: Mapping[Reason, str] = {
    Reason.RAISED_THEN_CUT: mark("先抬标价再打折"),
    Reason.RAISED: mark("比上月最低价涨得多"),
    Reason.RAISED_IN_QUARTER: mark("比三个月来的最低价涨得多"),
    Reason.ABOVE_CITY: mark("比全市最低价高得多"),
}
_WHOLE, _LINE = mark("整份表"), mark("第 {n} 行")
_SLIPS: Mapping[Wrong, str] = {
    Wrong.NOT_A_TABLE: mark("打不开。请存成 CSV（UTF-8 或 GBK）或 Excel（.xlsx）再传。"),
    Wrong.EMPTY: mark("里面一行也没有。"),
    Wrong.TOO_LONG: mark("超过 {about} 行。请分成几份传。"),
    Wrong.COLUMN_MISSING: mark("没找到“{about}”这一列。第一行要写列名。"),
    Wrong.COLUMN_TWICE: mark("有两列都像“{about}”。请删掉一列再传。"),
    Wrong.GTIN: mark("“{about}”要写条码下面的全部数字，最后一位是校验位。"),
    Wrong.ROUNDED: mark("“{about}”被表格软件改成了科学计数法。请把这一列设成文本再填。"),
    Wrong.TWICE: mark("这个商品前面已经有一行。一个商品写一行。"),
    Wrong.TEXT: mark("“{about}”没填，或太长，或有看不见的字符。"),
    Wrong.CATEGORY: mark("“{about}”不是补贴的品类。"),
    Wrong.GRADE: mark("“{about}”填 1 到 5，没有等级的空着。"),
    Wrong.YES_NO: mark("“{about}”填“是”或“否”。"),
    Wrong.PRICE: mark("“{about}”要写成 3999.00 这样的金额，大于 0。"),
    Wrong.TAG: mark("“{about}”里有不认识的标签。"),
    Wrong.AREA: mark("“{about}”填省内的区划代码，例如 441700；省外产的空着。"),
    Wrong.DAY: mark("“{about}”要写成 2026-11-22 这样的日期。"),
    Wrong.DAYS: mark("“{about}”早于起始的那天。"),
    Wrong.UNKNOWN: mark("商品库里没有 {about}。"),
    Wrong.ABOVE_GUIDE: mark("高于指导价 {about} 元。"),
}


def slip(one: Slip, locale: str) -> tuple[str, str]:
    """Where a table is wrong, and how."""
    where = gettext(_LINE, locale, n=one.line) if one.line else gettext(_WHOLE, locale)
    return where, gettext(_SLIPS[one.wrong], locale, about=gettext(one.about, locale))
