"""How applications are told to people: parts, papers, findings, a sentence each."""

from __future__ import annotations

from collections.abc import Mapping

from voucher_service.i18n import gettext, mark

from .checks import Finding, Found
from .model import CORRECTIONS, PUBLIC, ApplicationStatus, Vehicle

VEHICLES: Mapping[Vehicle, str] = {
    Vehicle.SMALL: mark("小型载客汽车"),
    Vehicle.MICRO: mark("微型载客汽车"),
    Vehicle.OTHER: mark("其他车辆"),
}
FOUND: Mapping[Found, str] = {
    Found.INELIGIBLE: mark("照填的情况，规则不补这辆车。"),
    Found.SAME_CAR: mark("新车和旧车填成了同一辆。"),
    Found.NEW_VIN_DIGIT: mark("新车的车辆识别代号校验位不对，请对着发票再看一遍。"),
    Found.OLD_VIN_DIGIT: mark("旧车的车辆识别代号校验位不对，请对着证明再看一遍。"),
    Found.OLD_CAR_SUBSIDISED: mark("这辆旧车以前作为新车领过补贴。"),
    Found.CARD_DIGIT: mark("银行卡号的校验位不对，请对着卡面再看一遍。"),
    Found.REGISTRATION_OUTSIDE: mark("新车注册登记的日期不在补贴的时间里。"),
    Found.PARTING_OUTSIDE: mark("旧车交车或转让的日期不在补贴的时间里。"),
    Found.FILED_LATE: mark("已经过了申请的截止日期。"),
    Found.IN_FUTURE: mark("填的日期还没有到。"),
    Found.OUT_OF_ORDER: mark("几个日期的先后对不上。"),
    Found.TAX_OVER_PRICE: mark("税额不能比价税合计还多。"),
    Found.TAX_UNUSUAL: mark("税额和价税合计对不上常见的税率。"),
    Found.BUYER_DIFFERS: mark("发票上的购买方和实名不一样。"),
    Found.OWNER_DIFFERS: mark("旧车的所有人和实名不一样。"),
    Found.HOLDER_DIFFERS: mark("银行卡的户名和实名不一样。"),
    Found.VEHICLE_EXCLUDED: mark("只补 9 座及以下的小型、微型载客汽车。"),
    Found.NOT_IN_CATALOGUE: mark("新能源车要在减免车辆购置税的车型目录里。"),
    Found.OTHER_PROVINCE: mark("新车的发票和上牌要在同一个省。"),
    Found.PLATE_KIND: mark("车牌的种类和新车的能源对不上。"),
}


def finding(one: Finding, locale: str) -> str:
    """A finding as a sentence."""
    return gettext(FOUND[one.what], locale)


def status(word: ApplicationStatus, locale: str) -> str:
    """Where an application stands."""
    return gettext(PUBLIC[word], locale)


def thing(word: str, locale: str) -> str:
    """A part of the form, or a paper."""
    return gettext(CORRECTIONS[word], locale)


def vehicle(word: Vehicle, locale: str) -> str:
    """A kind of vehicle."""
    return gettext(VEHICLES[word], locale)
