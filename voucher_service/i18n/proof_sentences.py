"""The texts of refusals about the sealed log, and about persons who want to be forgotten."""

from __future__ import annotations

FORGETTING: dict[str, tuple[str, ...]] = {
    "person_has_rights": (
        "现在不能注销：这个人还有没用完的券或补贴资格，或还在排队。用完、放弃或过期以后再提。",
    ),
    "person_in_process": (
        "现在不能注销：这个人还有没办完的申请、补贴审核或没付的补差。办完以后再提。",
    ),
    "person_limit_runs": (
        "现在不能注销：参加过的活动和限领的期间到 {until} 才结束。第二天起可以再提。",
        "现在不能注销：参加过的活动或限领的期间还没结束。结束以后再提。",
    ),
}
PROOF: dict[str, tuple[str, ...]] = {
    "note_invalid": ("这不是本账目签过名的指纹。请重新取一份，或核对公钥。",),
    "log_size_unknown": (
        "账目现在有 {most} 条，没有到 {size} 条。请用不超过 {most} 的数再问。",
        "账目没有到这个条数。请用已公布的指纹里的条数再问。",
    ),
    "not_sealed": ("这一条还没有封进账目，几秒钟后就会。请稍后再问。",),
}
