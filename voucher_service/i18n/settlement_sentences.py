"""The texts of refusals about settlement and the bank's files."""

from __future__ import annotations

SETTLEMENT: dict[str, tuple[str, ...]] = {
    "settlement_day_not_over": ("这一天还没有过完，没有结算。请从第二天起再做。",),
    "settlement_synthetic": (
        "没有结算：回放的项目要写明项目名并确认是回放，才单独结算。真实的项目不用写项目名。",
    ),
    "settlement_statement_running": (
        "商户还在核对，要到 {until} 才能复核。请到时候再来。",
        "商户还在核对，还不能复核。请晚些再来。",
    ),
    "settlement_same_hands": (
        "生成、复核、批准和付款要由不同的人做，没有改变什么。请换一个人来做这一步。",
    ),
    "settlement_nothing_due": (
        "没有生成批次：{amount} 都暂缓着，现在不能付。请先放行（原因和由谁放行见表），再生成。",
        "没有生成批次：到这一天没有现在能付的。有了新的核销再生成。",
    ),
    "settlement_empty": ("这一批没有要付的，没有送批。可以把它作废。",),
    "bank_return_invalid": ("回盘文件没有收下，一笔也没有记。请按下面的行号改好，或请银行重发。",),
    "bank_answer_differs": (
        "回盘文件没有收下：有的付款银行以前回过别的结果。请按下面的流水号向银行核实。",
    ),
    "settlement_advance_too_large": (
        "连同已经申请的和商户还欠的，预付最多 {most}，现在还能再付 {left}。请改小金额。",
        "连同已经申请的和商户还欠的，预付超过了上限。请改小金额。",
    ),
    "settlement_not_bounced": ("只有银行退回的付款才能再付一次。请刷新后看看最新情况。",),
}
