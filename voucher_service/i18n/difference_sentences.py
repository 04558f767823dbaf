"""The texts of the refusals about channels' files and differences, by code."""

from __future__ import annotations

DIFFERENCES: dict[str, tuple[str, ...]] = {
    "channel_file_invalid": (
        "没有收下：账单有 {count} 处不对，一行也没有存。哪一行、哪里不对都写着，核对后整份再传。",
        "没有收下：账单有不对的地方，一行也没有存。哪一行、哪里不对都写着，核对后整份再传。",
    ),
    "channel_file_too_large": (
        "没有收下：文件有 {megabytes} MB，最多 {most} MB，还没有读。请按天或按商户分开。",
        "没有收下：文件太大，还没有读。请按天或按商户分开。",
    ),
    "channel_file_known": (
        "没有再收：同一份账单已经传过了，没有重复计算。请到传过的账单里看结果。",
    ),
    "channel_file_unlike": (
        "没有收下：{lines} 行里有 {different} 行对不上，多半是日期、商户或格式选错了。都没有存。",
        "没有收下：对不上的太多，多半是日期、商户或格式选错了。一行也没有存。请核对后再传。",
    ),
    "channel_format_unknown": (
        "没有收下：没有这种账单格式。可选：{known}。",
        "没有收下：没有这种账单格式。请从列出的格式里选。",
    ),
    "channel_scope_invalid": (
        "没有收下：收银流水要选一家门店；支付渠道的账单是全市的，或者一家商户的。请重新选。",
    ),
    "difference_holds_money": (
        "没有结案：这笔差异扣着要付的钱，一个人不能放行。请提交更正或认可，由另一个人批准。",
    ),
    "difference_without_order": (
        "没有提交：这笔差异不涉及平台的订单，没有可以退回的金额。请写明原因后结案。",
    ),
}
