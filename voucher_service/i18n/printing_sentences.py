"""The texts of refusals about papers that are printed."""

from __future__ import annotations

PRINTING: dict[str, tuple[str, ...]] = {
    "fonts_missing": (
        "没有印成：服务器上缺印刷用的中文字体，账目没有变。请管理员运行 voucher assets 后再试。",
    ),
}
