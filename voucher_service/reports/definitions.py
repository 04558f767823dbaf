"""What every word of a report means, printed with each of them."""

from __future__ import annotations

from dataclasses import dataclass

from voucher_service.i18n import gettext, mark


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and its meaning, as Chinese texts that have English in the catalogues."""

    key: str
    term: str
    text: str

    def in_words(self, locale: str) -> tuple[str, str]:
        """The term and its meaning in a locale."""
        return gettext(self.term, locale), gettext(self.text, locale)


DEFINITIONS = (
    Definition("released", mark("投放"), mark("已发布场次的名额乘以面额，按开场那天计。")),
    Definition(
        "issued",
        mark("发放"),
        mark("居民领到的券面额合计，没用就过期的也算在内；名额退回的不算，再被领走时才算。"),
    ),
    Definition(
        "lapsed",
        mark("过期未用"),
        mark(
            "发放里过了有效期还没用掉的券额，按有效期最后一天计；名额退回的不在发放里，也不在这里。"
        ),
    ),
    Definition("redeemed", mark("核销"), mark("用掉的券额合计，退款时退回的券额已减。")),
    Definition(
        "leveraged",
        mark("拉动消费"),
        mark("已核销订单的金额合计：用券之前、商家自己优惠之后，已减退款。"),
    ),
    Definition("net_leveraged", mark("扣券后"), mark("拉动消费减去核销，即居民自己付的钱。")),
    Definition("refunded", mark("已减退款"), mark("已核销订单中退掉的订单金额。")),
    Definition(
        "ratio",
        mark("拉动比"),
        mark(
            "拉动消费 ÷ 发放，或 ÷ 核销。两个分母都印，不单说一个。"
            "它不说明有多少消费是因券而多出来的。"
        ),
    ),
    Definition(
        "floor",
        mark("机械下限"),
        mark(
            "每单若只买到刚够拿到那么多优惠，拉动比也会有这么大。÷ 核销：最少订单合计 ÷ 优惠合计"
            "（满减券是门槛 ÷ 面额，打折券是门槛 ÷ 门槛处的优惠，余额券是 1）；"
            "÷ 发放：最少订单合计 ÷ 发放。"
        ),
    ),
    Definition("redemption_rate", mark("核销率"), mark("核销 ÷ 发放。")),
    Definition(
        "evidenced",
        mark("有支付凭证"),
        mark(
            "拉动消费中，订单带有支付流水号、且该商户在同一方案里没有用同一流水号核销过别的订单的部分。"
        ),
    ),
    Definition(
        "reach",
        mark("小微和县域占比"),
        mark(
            "小微商户、县域门店（县和县级市，不含市辖区）的核销 ÷ 全部核销。"
            "商户规模按统计口径登记，地区按门店所在地。"
        ),
    ),
    Definition(
        "net_leverage",
        mark("净拉动"),
        mark(
            "因为有券才多出来的消费 ÷ 核销，和没拿到券的人、没发券的地区或平常的订单比出来，"
            "带 95% 区间；没有结果数据、数据太少或检验没通过，就不给数。"
        ),
    ),
    Definition(
        "cost_per_extra_yuan",
        mark("每多 1 元消费的花费"),
        mark("核销 ÷ 因券而多出来的消费。要有结果数据才能估计；没有时印一杠，并说明原因。"),
    ),
    Definition(
        "retail_sales",
        mark("占社零增量"),
        mark(
            "拉动消费 ÷ 同期社会消费品零售总额比上年多出的部分。社零由财务按统计部门公布的数字"
            "登记，注明来源和日期，起止日期必须和报表相同；没有登记就印一杠。"
            "只有净拉动那一行说的是因券多出来的消费，"
            "按估计的那一种券每用掉 1 元的效果乘以全部核销。"
        ),
    ),
    Definition("instruments", mark("各种工具"), mark("券按种类，以旧换新按家电、数码、汽车。")),
    Definition(
        "recounted",
        mark("全部重算"),
        mark(
            "平时只重算有变动的日子；每天夜里把全部原始记录重算一遍，与平时算出的逐格核对。"
            "不一致就报警，并以重算的为准。"
        ),
    ),
    Definition(
        "period",
        mark("按发生日"),
        mark("发放按领取那天计，核销和拉动按核销那天计，退款按退款那天减。"),
    ),
    Definition(
        "cohort", mark("按领取日"), mark("都按券领取那天计：这些天领走的券，到现在用成了什么样。")
    ),
    Definition(
        "trade_in",
        mark("以旧换新"),
        mark(
            "单列，不进消费券的任何比值。台数和成交额是到店卖出、已核销的，成交额是扣补贴之前、"
            "商家优惠之后的价格；汽车凭材料申请，只数批准的申请，发票金额没有经过平台，另列。"
            "补贴、成交额都已减退款，整单退掉的不算台数。后来的细则给以前买的补的差额不在这里。"
        ),
    ),
    Definition(
        "payers",
        mark("谁出的钱"),
        mark(
            "政府补贴按预算比例分到各出资方；约定是各出资方写进预算的金额，和商家、银行、平台登记过的数，不随所选日期变。"
            "商家让利是标价减成交价，银行和平台的优惠在补贴之后再减。"
        ),
    ),
    Definition(
        "hour",
        mark("按钟点"),
        mark(
            "投放按开场、发放按领取、核销按核销、退款按退款的钟点计（北京时间）；过期不属于任何钟点。"
        ),
    ),
    Definition(
        "brand",
        mark("品牌"),
        mark(
            "以旧换新在门店卖出的，按商品库登记的品牌。消费券不分品牌，凭材料申请的汽车没有登记"
            "品牌，都归不到组。"
        ),
    ),
    Definition(
        "groups",
        mark("分组"),
        mark(
            "发放的地区是出资预算所在地区，核销和拉动的地区是门店所在地区。"
            "出资方按约定比例分摊每一笔金额。归不到任何一组的，单列一行，各行相加等于合计。"
        ),
    ),
)


def in_words(locale: str) -> dict[str, str]:
    """Every meaning by its key, in a locale."""
    return {one.key: one.in_words(locale)[1] for one in DEFINITIONS}


def terms(locale: str) -> dict[str, str]:
    """Every term by its key, in a locale."""
    return {one.key: one.in_words(locale)[0] for one in DEFINITIONS}
