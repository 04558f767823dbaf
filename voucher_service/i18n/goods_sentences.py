"""The texts of the refusals about goods and filed prices, by code."""

from __future__ import annotations

GOODS: dict[str, tuple[str, ...]] = {
    "goods_file_invalid": (
        "没有收下：这份表有 {count} 处不对，一行也没有存。哪一行、哪里不对都写着，改好了整份再传。",
        "没有收下：这份表有不对的地方，一行也没有存。哪一行、哪里不对都写着，改好了整份再传。",
    ),
    "library_unchanged": (
        "没有提交：这份表和现在的商品库一模一样，没有要改的。请核对是不是传错了文件。",
    ),
    "product_unknown": (
        "没有办：商品库里没有这个商品。请核对条码；条码没错的，请商务部门先把它加进商品库。",
    ),
    "price_above_guide": (
        "没有备案：价格高于指导价 {guide}。原来的备案价没有变。请降到指导价以内再报。",
        "没有备案：价格高于指导价。原来的备案价没有变。请降到指导价以内再报。",
    ),
}
