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
    "nothing_to_pay": ("没有提交：按这份政策没有人要补差，不用批准。可以取消这次重算。",),
}
