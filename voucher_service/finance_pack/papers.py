"""The four documents of a pack that are signed: ① application, ⑧ audit, ⑨ notice, ⑩ accounts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from voucher_service.budgets.model import LEVELS, Level
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import ZERO, Money
from voucher_service.printing.capitals import capitals
from voucher_service.printing.forms import (
    Block,
    Column,
    Fact,
    Facts,
    Form,
    Heading,
    Room,
    Signatures,
    Table,
    Words,
)
from voucher_service.reports.invariant_words import words
from voucher_service.settlement.model import Batch

from . import model
from .model import Bank, Borne, Drawn, Moved, Noticed, Sampled, Sums

_UNIT = "单位：元"
_SIGNED = Signatures(("经办：", "复核：", "负责人：", "（盖章）"))
_BY_HAND = "负责人：　　　　　　　（盖章）　　　　　年　　月　　日"
# A page of the notice costs memory by its rows; more of them are printed as another paper.
NOTICED_ON_A_PAPER = 1_000


def yuan(amount: Money) -> str:
    """A sum as forms have it: 1,234.50."""
    whole, rest = divmod(abs(amount.fen), 100)
    return f"{'-' if amount.fen < 0 else ''}{whole:,}.{rest:02d}"


def application(
    batch: Batch, programmes: Sequence[str], borne: Sequence[Borne], sums: Sums, foot: str
) -> Form:
    """① What is asked for, of whom: by level and funder, in figures and in capitals."""
    by_level: dict[Level, Money] = {}
    for one in borne:
        by_level[one.level] = by_level.get(one.level, ZERO) + one.due
    total = Money.total(by_level.values())
    facts = (
        Fact("申请单位", ""),
        Fact("批次号", batch.number),
        Fact("活动方案", "、".join(programmes), wide=True),
        Fact("截至", day(batch.day)),
        Fact("编制时间", instant(batch.drafted_at)),
        Fact("收款人数", f"{sums.lines:,}"),
        Fact("核销笔数", f"{sums.redemptions:,}"),
        Fact("核销和核定金额", yuan(sums.gross)),
        Fact("其中已退", yuan(sums.refunded)),
        Fact("申请清算金额", yuan(total)),
        Fact("抵扣以前多付", yuan(sums.deducted)),
        Fact("申请金额大写", capitals(total), wide=True),
        Fact("另：预拨", yuan(sums.advanced)),
        Fact("另：退票重付", yuan(batch.retried)),
        Fact("付款文件合计", yuan(batch.total), wide=True),
    )
    levels = Table(
        (Column("出资级次"), Column("金额", figures=True), Column("大写", 3)),
        [(LEVELS[one], yuan(sum_), capitals(sum_)) for one, sum_ in by_level.items()],
        ("合计", yuan(total), capitals(total)),
        _UNIT,
    )
    funders = Table(
        (
            Column("出资方", 3),
            Column("级次"),
            Column("活动", 3),
            Column("应负担", 2, figures=True),
            Column("已清算", 2, figures=True),
        ),
        [
            (one.funder, LEVELS[one.level], one.campaign, yuan(one.due), yuan(one.settled))
            for one in borne
        ],
        ("合计", "", "", yuan(total), yuan(Money.total(one.settled for one in borne))),
        _UNIT,
    )
    blocks: tuple[Block, ...] = (
        Facts(facts),
        Heading("一、按出资级次"),
        levels,
        Heading("二、按出资方和活动"),
        funders,
        Room("主管部门审核意见", _BY_HAND, 2),
        Room("财政部门审核意见", _BY_HAND, 2),
        _SIGNED,
    )
    return Form("消费券和补贴资金清算申请表", blocks, foot=foot)


def audit(
    batch: Batch,
    facts: model.Facts,
    records: tuple[int, int],
    sample: Sequence[Sampled],
    seed: str,
    drawn: Sequence[Drawn],
    foot: str,
) -> Form:
    """⑧ What the books say of themselves, samples to look up, and room for the auditor's word."""
    books = (
        Fact("核验时间", instant(facts.at)),
        Fact("核验的规则", f"{facts.invariants} 条，{len(facts.cases)} 处不符"),
        Fact("消费券", f"{facts.vouchers:,} 张"),
        Fact("核销", f"{facts.redemptions:,} 笔"),
        Fact("资金变动", f"{facts.transfers:,} 笔"),
        Fact("操作记录", f"{facts.events:,} 条"),
    )
    every, sealed = records
    log = (
        Fact("封存条数", f"{facts.size:,}"),
        Fact("本批记录", f"{every} 条，{sealed} 条已封存"),
        Fact("指纹", facts.root, wide=True),
        Fact("公布的指纹和签名", facts.note, wide=True),
    )
    samples = Table(
        (
            Column("核销编号", 5),
            Column("商户和门店", 4),
            Column("订单号", 3),
            Column("核销时间", 3),
            Column("订单金额", 2, figures=True),
            Column("应付", 2, figures=True),
            Column("账目序号", 2, figures=True),
            Column("核对", 1),
        ),
        [
            (
                str(one.redemption_id),
                f"{one.merchant} {one.shop}" if one.shop != one.merchant else one.merchant,
                one.reference,
                instant(one.at),
                yuan(one.order),
                yuan(one.due),
                "未封存" if one.leaf is None else f"{one.leaf:,}",
                "",
            )
            for one in sample
        ],
        unit=_UNIT,
    )
    blocks: tuple[Block, ...] = (
        Words("以下由系统按账目自动列出，供第三方审核机构核对；审核意见由审核机构填写。"),
        Heading("一、账目核验"),
        Facts(books),
        *_broken(facts.cases),
        Heading("二、封存账目"),
        Facts(log),
        Heading("三、抽样"),
        Words(
            f"种子 {seed}，由封存账目的指纹和批次编号算出。对核销明细每一笔，求种子与核销编号相连"
            f"的 SHA-256，取最小的 {model.SAMPLE} 笔。"
        ),
        samples,
        Heading("四、以旧换新审核抽样"),
        *_reviewed(drawn),
        Room("五、第三方审核意见", _BY_HAND, 5),
        Signatures(("审核人：", "复核人：", "机构负责人：", "（盖章）")),
    )
    return Form("第三方审核报告", blocks, subtitle=f"批次 {batch.number}", foot=foot, wide=True)


def notices(batch: Batch, noticed: Sequence[Noticed], foot: str) -> Iterator[Form]:
    """⑨ What was published of the residents that are paid; several papers when it is long."""
    total = Money.total(one.amount for one in noticed)
    lines = [
        (one.name, one.scheme, one.area, yuan(one.amount), day(one.first), day(one.last))
        for one in noticed
    ]
    digest = hashlib.sha256("\n".join("\t".join(one) for one in lines).encode()).hexdigest()
    head: tuple[Block, ...] = (
        Facts(
            (
                Fact("公示人数", f"{len(noticed):,}"),
                Fact("公示金额", yuan(total)),
                Fact("公示名单 SHA-256", digest, wide=True),
            )
        ),
    )
    columns = (
        Column("姓名", 2),
        Column("补贴", 3),
        Column("地区", 3),
        Column("金额", 2, figures=True),
        Column("公示自", 3),
        Column("公示至", 3),
    )
    title, subtitle = "补贴公示", f"批次 {batch.number}"
    if not noticed:
        nothing = Words("本批次没有需要公示的个人补贴。")
        yield Form(title, (*head, nothing, _SIGNED), subtitle=subtitle, foot=foot)
    for first in range(0, len(lines), NOTICED_ON_A_PAPER):
        table = Table(columns, lines[first : first + NOTICED_ON_A_PAPER], unit=_UNIT)
        yield Form(title, (*head, table, _SIGNED), subtitle=subtitle, foot=foot)


def accounts(
    batch: Batch, moved: Sequence[Moved], bank: Bank, sums: Sums, at: datetime, foot: str
) -> Form:
    """⑩ Each account's opening, movements and closing, beside what the bank said."""
    table = Table(
        (
            Column("出资方", 3),
            Column("活动", 3),
            Column("账户", 2),
            *(Column(one, 2, figures=True) for one in ("期初", "转入", "转出", "期末")),
        ),
        [
            (
                one.funder,
                one.campaign,
                one.stage,
                *(yuan(sum_) for sum_ in (one.opening, one.came, one.went, one.closing)),
            )
            for one in moved
            if one.opening or one.came or one.went or one.closing
        ],
        (
            "合计",
            "",
            "",
            *(
                yuan(Money.total(getattr(one, name) for one in moved))
                for name in ("opening", "came", "went", "closing")
            ),
        ),
        _UNIT,
    )
    answers = Table(
        (Column("银行回单", 2), Column("笔数", figures=True), Column("金额", 2, figures=True)),
        [
            ("已到账", f"{bank.paid:,}", yuan(bank.paid_amount)),
            ("退票", f"{bank.bounced:,}", yuan(bank.bounced_amount)),
            ("到账后退汇", f"{bank.returned:,}", yuan(bank.returned_amount)),
            ("未回", f"{bank.open:,}", yuan(bank.open_amount)),
        ],
        (
            "付款文件合计",
            f"{bank.paid + bank.bounced + bank.returned + bank.open:,}",
            yuan(bank.paid_amount + bank.bounced_amount + bank.returned_amount + bank.open_amount),
        ),
        _UNIT,
    )
    tied = Table(
        (Column("核对", 3), Column("金额", 2, figures=True)),
        [
            ("本批应付", yuan(sums.due)),
            ("减：抵扣以前多付", yuan(sums.deducted)),
            ("加：退票重付", yuan(batch.retried)),
        ],
        ("等于：付款文件合计", yuan(batch.total)),
        _UNIT,
    )
    blocks: tuple[Block, ...] = (
        Words(f"自 {instant(batch.drafted_at)}（本批编制）至 {instant(at)}（本资料编制）。"),
        Heading("一、账户"),
        table,
        Heading("二、银行回单"),
        answers,
        Heading("三、账表核对"),
        tied,
        _SIGNED,
    )
    return Form("账户余额对账表", blocks, subtitle=f"批次 {batch.number}", foot=foot, wide=True)


def day(value: date) -> str:
    """A day as forms have it: 2026年11月22日."""
    return f"{value.year}年{value.month}月{value.day}日"


def instant(value: datetime) -> str:
    """A day and the time in Shanghai: 2026-11-22 10:00."""
    return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _broken(cases: Sequence[str]) -> Iterator[Words]:
    """The rules that do not hold, in words; each case is named in the manifest."""
    rules = Counter(f"{one.split(maxsplit=1)[0]} {words(one) or ''}".rstrip() for one in cases)
    for rule, count in rules.items():
        yield Words(f"不符：{rule}（{count} 处）")
    if rules:
        yield Words("每条规则最多列 20 处，逐处见 manifest.json 的 verified。")


def _reviewed(drawn: Sequence[Drawn]) -> tuple[Block, ...]:
    if not drawn:
        return (Words("本批次没有以旧换新的审核批次。"),)
    table = Table(
        (
            Column("审核批次", 4),
            *(Column(one, 1, figures=True) for one in ("笔数", "看过", "不通过")),
            Column("抽样种子", 5),
            Column("名单 SHA-256", 5),
        ),
        [
            (
                one.title,
                str(one.count),
                str(one.looked_at),
                str(one.bad),
                one.seed or "逐笔审核",
                one.list_sha256,
            )
            for one in drawn
        ],
    )
    return (table,)
