"""How findings are told to those who review: a sentence each, with its facts."""

from __future__ import annotations

from collections.abc import Mapping

from voucher_service.i18n import gettext, mark
from voucher_service.i18n.formats import money
from voucher_service.kernel.money import Money

from ..policy import Scheme
from ..words import SCHEMES
from .facts import Link
from .findings import Finding, Kind

SENTENCES: Mapping[Kind, str] = {
    Kind.SAME_SERIAL: mark("序列号 {serial} 在另一笔里已经卖过。"),
    Kind.NEAR_SERIAL: mark("序列号 {serial} 和另一笔的 {other} 看起来是同一个。"),
    Kind.SAME_DEVICE: mark("IMEI {imei} 在另一笔里已经卖过。"),
    Kind.ACTIVATED_BEFORE: mark("这台机器 {activated_on} 就激活过，在卖出之前。"),
    Kind.PRICE_SPLIT: mark(
        "成交价 {price} 和另一张发票的 {part} 加起来，正好是一件商品平常的 {whole}。"
    ),
    Kind.INVOICE_RUN: mark("{buyers} 个人前后脚买了同一款，发票号码也挨着。"),
    Kind.BELOW_CEILING: mark("平常卖得更贵，这一笔的 {price} 刚好不超过能补的最高价 {ceiling}。"),
    Kind.PRICE_RAISED: mark("成交价 {price} 比以前的最低价 {lowest} 高 {percent}%。"),
    Kind.RAISED_THEN_CUT: mark(
        "标价 {list} 是先涨上去再打折的：这家前一个月最低卖过 {lowest}，这次还卖 {price}。"
    ),
    Kind.SAME_PHOTO: mark("“{paper}”和另一笔交的是同一个文件。"),
    Kind.LIKE_PHOTO: mark("“{paper}”和另一笔的照片像到 {percent}%，多半是同一张。"),
    Kind.OLD_PHOTO: mark("“{paper}”的照片在卖出前 {days} 天就拍好了。"),
    Kind.FAR_PHOTO: mark("“{paper}”是在离门店 {kilometres} 公里的地方拍的。"),
    Kind.SHARED_LINK: mark("{persons} 个人用了同一个{link}。"),
    Kind.CIRCULAR: mark("{persons} 个人用同一个{link}，差不多都在这一家买。"),
    Kind.OWN_PEOPLE: mark("买的人是这家商户自己的人，这样的有 {persons} 位。"),
    Kind.NIGHT_BURST: mark("这家店半夜一个小时里卖了 {count} 笔。"),
    Kind.BEYOND_HOUSEHOLD: mark(
        "同一个{link}两个月里在这一家买了 {count} 件同一类，不像一家人用的。"
    ),
    Kind.SAME_VEHICLE: mark("车辆 {vin} 在另一份“{scheme}”申请里也有。"),
    Kind.VEHICLE_ALIKE: mark("车辆识别代号 {vin} 和另一份申请的 {other} 只差一点点。"),
    Kind.VEHICLE_INELIGIBLE: mark("照填的情况，这辆车不在补贴范围里：{what}。"),
    Kind.VEHICLE_UNLIKE_MODEL: mark("同一车型的另外 {count} 份申请，“{what}”都填得不一样。"),
    Kind.LARGE_PLATE: mark("号牌是大型新能源汽车的，不是小型、微型载客汽车。"),
}
LINKS: Mapping[Link, str] = {
    Link.CARD: mark("银行卡"),
    Link.ACCOUNT: mark("收款账号"),
    Link.DEVICE: mark("手机或设备"),
    Link.PHONE: mark("电话号码"),
    Link.ADDRESS: mark("收货地址"),
}
ABOUT: Mapping[str, str] = {
    "vehicle": mark("车辆类型"),
    "seats": mark("座位数"),
    "energy": mark("能源"),
    "engine": mark("排量"),
    "catalogue": mark("新能源车型目录"),
}
NOT_ASSESSED = mark("机器还没有看过。")
NOTHING_FOUND = mark("机器没有看出什么。")


def sentence(finding: Finding, locale: str, *, papers: Mapping[str, str] | None = None) -> str:
    """A finding as a sentence. `papers`: what each paper is called, in Chinese."""
    facts: dict[str, object] = {}
    for name, value in finding.told.items():
        if name.endswith("_fen") and isinstance(value, int):
            facts[_SUMS[name]] = money(Money(value))
        else:
            facts[name] = _word(name, str(value), locale, papers or {})
    return gettext(SENTENCES[finding.kind], locale, **facts)


_SUMS: Mapping[str, str] = {
    "price_fen": "price",
    "other_fen": "part",
    "whole_fen": "whole",
    "ceiling_fen": "ceiling",
    "lowest_fen": "lowest",
    "list_fen": "list",
}


def _word(name: str, value: str, locale: str, papers: Mapping[str, str]) -> str:
    if name == "link":
        return gettext(LINKS[Link(value)], locale)
    if name == "scheme":
        return gettext(SCHEMES[Scheme(value)], locale)
    if name == "what":
        return gettext(ABOUT[value], locale)
    if name == "paper":
        return gettext(papers.get(value, value), locale)
    return value
