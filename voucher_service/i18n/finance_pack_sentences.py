"""The texts of refusals about finance packs."""

from __future__ import annotations

FINANCE_PACK: dict[str, tuple[str, ...]] = {
    "finance_pack_too_early": ("没有生成：批次审核后金额才固定。请先审核这个批次，再下载资料。",),
    "finance_pack_too_large": (
        "没有生成：这批有 {n} 笔核销，网页上最多 {most} 笔。请管理员用 voucher finance-pack 生成。",
        "没有生成：这批核销太多，不能在网页上下载。请管理员在服务器上运行 voucher finance-pack。",
    ),
    "finance_pack_does_not_tie": (
        "没有生成：资料里有两处金额对不上，账目没有变。请先运行 voucher verify 核对账目。",
    ),
}
