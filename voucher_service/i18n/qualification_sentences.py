"""The texts of the refusals about trade-in qualifications, by code."""

from __future__ import annotations

QUALIFICATIONS: dict[str, tuple[str, ...]] = {
    "no_pool": (
        "还没提交：这里现在没有安排 {year} 年这项补贴的资金。填好的都存着，请留意公告。",
        "这一类现在没有补贴资格可领，什么也没有改变。请过些天再来看。",
    ),
    "pool_full": (
        "还没提交：{year} 年这项补贴这一期的名额或资金用完了，{next_at} 再开放。填好的都存着。",
        "还没提交：{year} 年这项补贴的名额或资金用完了。填好的都存着，请留意公告。",
        "资格没有领到：发出去的资格可能要用完剩下的补贴，先不再发。您的次数没有用掉，可以排队候补。",
    ),
    "qualification_limit": (
        "今年这一类每人补 {limit} 件，您已经领满，没有多领。领到的在“我的补贴资格”里。",
        "今年这一类您已经领满，没有多领。领到的在“我的补贴资格”里。",
    ),
    "reclaims_used": (
        "没有领到：这一类最多领 {limit} 次，过期和放弃的也算，您已经领满。下一期可以再领。",
        "没有领到：过期和放弃的也算次数，您已经领满。下一期可以再领。",
    ),
    "qualification_over": (
        "这份资格已经用掉、放弃或者过期，什么也没有改变。还能领的话请再领一份。",
    ),
}
