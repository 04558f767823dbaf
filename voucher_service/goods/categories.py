"""What is bought: the categories that policies, qualifications and the library share."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from voucher_service.i18n import mark


class Category(StrEnum):
    """What is bought."""

    REFRIGERATOR = "refrigerator"
    WASHING_MACHINE = "washing_machine"
    TELEVISION = "television"
    AIR_CONDITIONER = "air_conditioner"
    WATER_HEATER = "water_heater"
    COMPUTER = "computer"
    STOVE = "stove"
    RANGE_HOOD = "range_hood"
    WATER_PURIFIER = "water_purifier"
    DISHWASHER = "dishwasher"
    RICE_COOKER = "rice_cooker"
    MICROWAVE = "microwave"
    PHONE = "phone"
    TABLET = "tablet"
    WATCH = "watch"
    GLASSES = "glasses"
    CAR = "car"


CATEGORIES: Mapping[Category, str] = {
    Category.REFRIGERATOR: mark("冰箱"),
    Category.WASHING_MACHINE: mark("洗衣机"),
    Category.TELEVISION: mark("电视"),
    Category.AIR_CONDITIONER: mark("空调"),
    Category.WATER_HEATER: mark("热水器"),
    Category.COMPUTER: mark("电脑"),
    Category.STOVE: mark("灶具"),
    Category.RANGE_HOOD: mark("油烟机"),
    Category.WATER_PURIFIER: mark("净水器"),
    Category.DISHWASHER: mark("洗碗机"),
    Category.RICE_COOKER: mark("电饭煲"),
    Category.MICROWAVE: mark("微波炉"),
    Category.PHONE: mark("手机"),
    Category.TABLET: mark("平板"),
    Category.WATCH: mark("手表手环"),
    Category.GLASSES: mark("智能眼镜"),
    Category.CAR: mark("汽车"),
}
