"""The texts of the refusals around revisions, by code."""

from __future__ import annotations

REVISIONS: dict[str, tuple[str, ...]] = {
    "policy_unknown": (
        "没有重算：{day} 以前没有公布编号为 {policy} 的政策。请从政策列表里选一份。",
        "没有重算：没有这份政策。请从政策列表里选一份。",
    ),
    "revision_stands": (
        "没有重算：这个地区的这项补贴已有一份补差在等批准。请等它批准，或先撤回再算。",
    ),
    "draft_invalid": (
        "没有试算：草稿有一处不对（{error}）。请照提示改好再算。",
        "没有试算：草稿有一处不对。请改好再算。",
    ),
    "card_not_own": ("没有保存：户名和您实名的姓名不一样。请填本人的卡。",),
    "difference_to_return": (
        (
            "没有退：按后来的政策已补给顾客 {amount}。请顾客先把这笔钱转回 {holder}"
            "（账号 {account}），附言写核销编号 {order}，财政登记后再来退。补贴和货款都没有动。"
        ),
        "没有退：按后来的政策已补给顾客一笔钱。请顾客先把它退回财政，财政登记后再来退。补贴和货款都没有动。",
    ),
    "difference_on_its_way": (
        "没有退：按后来的政策要补给顾客的钱正在银行处理。请等到账或退票后再来退。补贴和货款都没有动。",
    ),
    "return_too_much": ("没有登记：顾客手里的补差只剩 {left}。请核对银行回单上的金额。",),
    "return_reference_reused": (
        "没有登记：银行流水号 {reference} 已经登记过一次退回。请核对流水号。",
    ),
    "nothing_to_pay": ("没有提交：按这份政策没有人要补差，不用批准。可以取消这次重算。",),
}
