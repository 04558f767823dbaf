"""The invariants in words, for who reads alarms and audits; their own names are for operators."""

from __future__ import annotations

from collections.abc import Mapping

from voucher_service.i18n import mark

# By the letters and number that their names begin with.
_WORDS: Mapping[str, str] = {
    "L1": mark("全部分录加起来是零"),
    "L2": mark("每笔转账借贷相等，没有被改过"),
    "L3": mark("除拨款外没有账户透支"),
    "L4": mark("已领未用的钱等于还有效的券"),
    "L5": mark("锁住的钱等于锁住的核销"),
    "L6": mark("每个活动的钱来去相等"),
    "L7": mark("分摊给出资方的钱等于核销的钱"),
    "L8": mark("程序没有权限改账，触发器都在"),
    "L9": mark("发出去的等于用掉、过期和有效的"),
    "L10": mark("拉动消费等于核销订单减去退款"),
    "L11": mark("商户欠的等于付款以后退掉的"),
    "L12": mark("逐日统计的和上次全部重算的一样"),
    "I1": mark("没有一个场次超发，没有一个名额发两次"),
    "I2": mark("没有人超过限领"),
    "I5": mark("没有人在场次之外领到"),
    "I8": mark("领出去的钱等于写下的券"),
    "I9": mark("没有券比它的券种还新"),
    "R1": mark("一张券只核销一次"),
    "R2": mark("每笔核销都满门槛、在有效期内"),
    "R3": mark("一笔订单退掉的等于各次退款相加，没有退得比付的多"),
    "R4": mark("每笔订单的金额、门店和券与记录一样"),
    "R5": mark("每笔订单抵的钱和账本一样"),
    "R6": mark("每次退款和记录一样"),
    "A1": mark("每张券的领取都有记录"),
    "A2": mark("每张券的核销都有记录"),
    "A3": mark("执行过的提案签名都够"),
    "A4": mark("发放的活动都有批准"),
    "A5": mark("提案的内容和冻结时一样"),
    "A6": mark("提案和审计记录一样"),
    "A7": mark("每个签名都有记录"),
    "A8": mark("净拉动的估计和当时算出的一样"),
    "A9": mark("登记的社零数字和约定和当时填的一样"),
    "A10": mark("对账文件的合计等于各行"),
    "A11": mark("发放的券和各方分摊的比例和签字时一样"),
    "A12": mark("付款的账户就是为这家商户批准的账户"),
    "B1": mark("账退回到了较早的时刻，之后付的款要先核对"),
    "T1": mark("业务时间就是服务器时间"),
    "D1": mark("每次摇号都能重算"),
    "D2": mark("中签的人都有券"),
    "D3": mark("摇号的券只在中签的人手里"),
    "P1": mark("名单的券只在名单上的人手里"),
    "P2": mark("名单上发过的人都有券"),
    "Q1": mark("资格池不发券，没有占着的钱"),
    "Q2": mark("领到资格的都在年度件数和场次之内"),
    "Q3": mark("申请在审或获批时才占名额，申请池不发别的"),
    "Q4": mark("每笔补贴销售和它的核销、资格一致"),
    "Q5": mark("资格池用掉和锁住的不超过它的钱"),
    "Q6": mark("一件商品只卖一次"),
    "S1": mark("批次等于它的各行和各笔付款，每行等于它的核销"),
    "S2": mark("一笔核销只在一行里，和那一行走到同一步"),
    "S3": mark("进了批次的、付了的都在某一行里"),
    "S4": mark("账上为一个批次付的等于已付各行由出资方负担的"),
    "S5": mark("一行由一笔付款付清，或由商户的欠款抵清"),
    "S6": mark("各行抵扣的、预拨付出的等于商户的欠款"),
    "S7": mark("出资方在一个批次里的份额加起来等于应负担的"),
    "S8": mark("编制、审核、批准、付款的是不同的人"),
    "S9": mark("银行退回的钱里不归出资方的，记在商户账上"),
    "G1": mark("闸口和账本的名额一致"),
    "G2": mark("券种的钱和券一致"),
}
# Of those that share their number with another one.
_BY_NAME: Mapping[str, str] = {
    "L4 outstanding money of applications": mark("在审申请占着的钱等于给它们定的补贴"),
    "R1 a sale": mark("补贴销售由另一个人放行以后才付"),
    "R2 a sale": mark("送审的补贴销售都有发票，都在自己的审核批次里"),
    "L12 what reports read": mark("报表读的数等于逐日统计的合计"),
    "A6 the sealed log": mark("封存的账没有变，和账本说的一样"),
}


def words(name: str) -> str | None:
    """What an invariant says, by its name or a text that begins with it; None of one unknown."""
    own = next((told for known, told in _BY_NAME.items() if name.startswith(known)), None)
    return own or _WORDS.get(name.split(maxsplit=1)[0])
