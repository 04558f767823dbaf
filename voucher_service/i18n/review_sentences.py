"""What is said when the review of a sale refuses something, by code."""

from __future__ import annotations

REVIEW: dict[str, tuple[str, ...]] = {
    "invoice_taken": (
        "没有收下：这个发票号码已经交给另一笔销售了。一台一张发票，请核对号码，或者重新开票。",
    ),
    "invoice_number_needed": ("没有收下：发票要同时填号码。请照发票填 20 位号码再交。",),
    "proof_not_asked": ("没有收下：这一类商品不用交这一样。要交的都列在页面上。",),
    "proof_locked": ("没有改：材料正在审核，或者已经有结果了。",),
    "proof_missing": ("还不能送审：有材料没交。请交齐了再送。",),
    "answer_too_late": ("没有送审：再送审的期限过了。有异议请走“异议”。",),
    "answer_empty": ("没有送审：还没有换过材料。请先换上新的再送。",),
    "sample_open": (
        "还不能办：有 {left} 笔要看的还没看。什么也没有放行。",
        "还不能办：要看的还没看完。什么也没有放行。",
    ),
    "own_purchase": ("没有办：不能审自己买的，同名的也请交给同事。",),
    "nothing_to_pass": ("没有凑成：没有疑点的申请不到两份，请一份份审。",),
}
