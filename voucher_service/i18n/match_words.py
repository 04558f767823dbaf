"""The words of match words: what a resident and a cashier see alike on their two screens.

`vouchers.model.match_word(voucher, window)` picks; this says it. The English form keeps the Chinese
word, so that two screens in two languages can still be compared at a glance.
"""

from __future__ import annotations

_TEXT = """
渔火 Lamps      海潮 Tide       白帆 Sails      明月 Moon       清风 Breeze     沙滩 Beach
珊瑚 Coral      贝壳 Shell      海鸥 Gull       灯塔 Beacon     码头 Pier       渔网 Nets
风筝 Kite       纸鸢 Swallow    荔枝 Lychee     龙眼 Longan     菠萝 Pineapple  香蕉 Banana
芒果 Mango      甘蔗 Cane       稻香 Rice       莲花 Lotus      桂花 Osmanthus  茉莉 Jasmine
木棉 Kapok      榕树 Banyan     竹林 Bamboo     松涛 Pines      青山 Hills      绿水 Stream
温泉 Spring     瀑布 Falls      石桥 Bridge     古井 Well       骑楼 Arcade     祠堂 Hall
书院 School     钟楼 Belfry     豆豉 Beans      漆器 Lacquer    剪刀 Scissors   竹篮 Basket
陶罐 Jar        油伞 Umbrella   花灯 Lantern    醒狮 Lion       龙舟 Dragon     锣鼓 Drum
粤曲 Opera      早茶 Tea        糖水 Syrup      虾饺 Dumpling   生蚝 Oyster     鲜鱼 Fish
海虾 Shrimp     螃蟹 Crab       晨光 Dawn       晚霞 Sunset     星河 Stars      春雨 Rain
"""
_CHINESE = _TEXT.split()[::2]
_ENGLISH = _TEXT.split()[1::2]


def match_word(word: int, digits: int, locale: str) -> str:
    """The match word that was picked: "渔火 47", in English "渔火 Lamps 47".

    `word` picks one of the words, whatever its size; `digits` is 0 to 99.
    """
    at = word % len(_CHINESE)
    names = (_CHINESE[at], _ENGLISH[at]) if locale == "en" else (_CHINESE[at],)
    return f"{' '.join(names)} {digits:02d}"
