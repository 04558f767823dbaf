"""What stands in the six tables of a pack, ② to ⑦, and where each is read.

Every statement is of one batch (`:batch`), as it was drafted at `:drafted_at` with all until
`:until`. What is paid stands in ②, ③ and ⑤; ⑥ says what came off it, ⑦ what was kept out and why.
"""

from __future__ import annotations

from sqlalchemy import text

from voucher_service.goods.categories import CATEGORIES
from voucher_service.merchants.accounts import AccountKind
from voucher_service.settlement.lifecycles import LINE_PUBLIC, PAYMENT_PUBLIC
from voucher_service.settlement.model import HOLD_REASONS, LEFT_OUT, LineKind
from voucher_service.tradein.words import SCHEMES

from .sheets import Col, Listing

KINDS = {
    LineKind.MERCHANT: "商户核销",
    LineKind.ADVANCE: "预拨",
    LineKind.PERSON: "个人补贴",
}
_PAID_LINE = "l.batch_id = :batch AND l.status <> 'left_out'"
# A batch of a replayed programme is of that alone, any other of every real one.
_OF_BATCH = "(p.id = :programme OR CAST(:programme AS uuid) IS NULL AND NOT p.synthetic)"
# What a merchant redeemed until then and no batch made until then pays.
_UNPAID = f"""
    SELECT sum(r.discount_fen - r.refunded_discount_fen) AS fen
    FROM shop s JOIN redemption r ON r.shop_id = s.id AND r.occurred_at < :until
        AND r.status = 'committed'
    JOIN offer o ON o.id = r.offer_id JOIN campaign c ON c.id = o.campaign_id
    JOIN programme p ON p.id = c.programme_id
    WHERE s.merchant_id = m.id AND {_OF_BATCH} AND NOT EXISTS (
        SELECT FROM settlement_item i JOIN settlement_line l ON l.id = i.line_id
        JOIN settlement b ON b.id = l.batch_id
        WHERE i.redemption_id = r.id AND i.live AND b.drafted_at <= :drafted_at)"""  # noqa: S608 - the text is above

SUMMARY = Listing(
    "02-清算汇总表",
    "清算汇总表",
    (
        Col("text", "收款人", "name"),
        Col("text", "统一社会信用代码", "uscc"),
        Col("text", "类别", "kind", KINDS),
        Col("count", "笔数", "items"),
        Col("yuan", "核销或核定", "gross_fen"),
        Col("yuan", "其中已退", "refunded_fen"),
        Col("yuan", "应付", "due_fen"),
        Col("yuan", "其中预拨", "advanced_fen"),
        Col("yuan", "抵扣", "deducted_fen"),
        Col("yuan", "实付", "amount_fen"),
        Col("text", "状态", "status", LINE_PUBLIC),
        Col("text", "业务流水号", "flow_number"),
        Col("text", "付款结果", "payment", PAYMENT_PUBLIC),
        Col("text", "银行流水号", "bank_reference"),
        Col("text", "退票原因", "reason"),
    ),
    text(f"""
WITH gross AS (
    SELECT i.line_id, sum(r.discount_fen) AS fen
    FROM settlement_line l JOIN settlement_item i ON i.line_id = l.id AND i.live
    JOIN redemption r ON r.id = i.redemption_id
    WHERE {_PAID_LINE} GROUP BY i.line_id
), paid AS (
    SELECT DISTINCT ON (line_id) * FROM settlement_payment WHERE batch_id = :batch
    ORDER BY line_id, id DESC
)
SELECT l.name, m.uscc, l.kind, l.items, coalesce(g.fen, l.due_fen) AS gross_fen,
    coalesce(g.fen, l.due_fen) - l.due_fen AS refunded_fen, l.due_fen,
    CASE l.kind WHEN 'advance' THEN l.due_fen ELSE 0 END AS advanced_fen, l.deducted_fen,
    l.due_fen - l.deducted_fen AS amount_fen, l.status, y.flow_number, y.status AS payment,
    y.bank_reference, y.reason
FROM settlement_line l LEFT JOIN merchant m ON m.id = l.merchant_id
LEFT JOIN gross g ON g.line_id = l.id LEFT JOIN paid y ON y.line_id = l.id
WHERE {_PAID_LINE} ORDER BY l.id"""),  # noqa: S608 - the texts are above
)
REDEMPTIONS = Listing(
    "03-核销明细",
    "核销明细",
    (
        Col("text", "商户", "merchant"),
        Col("text", "门店", "shop"),
        Col("text", "订单号", "order_reference"),
        Col("text", "付款单号", "payment_reference"),
        Col("time", "核销时间", "occurred_at"),
        Col("text", "活动", "campaign"),
        Col("text", "券种", "offer"),
        Col("yuan", "订单金额", "order_amount_fen"),
        Col("yuan", "券抵或补贴", "discount_fen"),
        Col("yuan", "其中已退", "refunded_fen"),
        Col("yuan", "本批应付", "due_fen"),
        Col("text", "核销编号", "id"),
    ),
    text(f"""
SELECT l.name AS merchant, s.name AS shop, r.order_reference, r.payment_reference, r.occurred_at,
    c.name AS campaign, o.title AS offer, r.order_amount_fen, r.discount_fen,
    r.discount_fen - i.due_fen AS refunded_fen, i.due_fen, r.id
FROM settlement_line l JOIN settlement_item i ON i.line_id = l.id AND i.live
JOIN redemption r ON r.id = i.redemption_id JOIN shop s ON s.id = r.shop_id
JOIN offer o ON o.id = r.offer_id JOIN campaign c ON c.id = o.campaign_id
WHERE {_PAID_LINE} ORDER BY i.line_id, i.redemption_id"""),  # noqa: S608 - as above
)
INVOICES = Listing(
    "04-发票清单",
    "发票清单",
    (
        Col("text", "发票号码", "number"),
        Col("text", "销售方", "seller"),
        Col("text", "销售方信用代码", "uscc"),
        Col("text", "品类", "category", {**CATEGORIES, **SCHEMES}),
        Col("text", "品牌", "brand"),
        Col("text", "型号", "model"),
        Col("text", "序列号或车架号", "serial"),
        Col("day", "交易日期", "on_day"),
        Col("yuan", "价税合计", "price_fen"),
        Col("yuan", "本批补贴", "due_fen"),
        Col("text", "订单或申请编号", "reference"),
    ),
    text(f"""
SELECT e.number, l.name AS seller, m.uscc, x.category, x.brand, x.model, x.serial,
    (x.occurred_at AT TIME ZONE 'Asia/Shanghai')::date AS on_day, r.order_amount_fen AS price_fen,
    i.due_fen, r.order_reference AS reference, l.id AS line_id, r.id
FROM settlement_line l JOIN settlement_item i ON i.line_id = l.id AND i.live
JOIN trade_in_sale x ON x.redemption_id = i.redemption_id
JOIN redemption r ON r.id = x.redemption_id JOIN merchant m ON m.id = l.merchant_id
LEFT JOIN sale_evidence e ON e.sale_id = x.redemption_id AND e.kind = 'invoice'
WHERE {_PAID_LINE}
UNION ALL
SELECT a.invoice, NULL, NULL, a.scheme, NULL, NULL, a.new_vin, a.bought_on,
    (a.decision->'case'->>'price_fen')::bigint, l.due_fen, a.id::text, l.id, a.id
FROM settlement_line l JOIN application a ON a.id = l.payout_id
WHERE {_PAID_LINE} AND l.payout_kind = 'application'
ORDER BY line_id, id"""),  # noqa: S608 - as above
)
COMPANIES = Listing(
    "05-企业名单",
    "企业名单",
    (
        Col("text", "企业名称", "name"),
        Col("text", "统一社会信用代码", "uscc"),
        Col("text", "开户名", "holder"),
        Col("text", "账号", "number"),
        Col("text", "开户行", "bank"),
        Col("text", "联行号", "cnaps"),
        Col(
            "text",
            "账户性质",
            "kind",
            {AccountKind.CORPORATE: "对公", AccountKind.PERSONAL: "对私"},
        ),
        Col("yuan", "本批实付", "amount_fen"),
    ),
    text(f"""
SELECT m.id, m.name, m.uscc, sum(l.due_fen - l.deducted_fen) AS amount_fen
FROM settlement_line l JOIN merchant m ON m.id = l.merchant_id
WHERE {_PAID_LINE} GROUP BY m.id ORDER BY m.id"""),  # noqa: S608 - as above
)
REFUNDS = Listing(
    "06-退货冲减表",
    "退货冲减表",
    (
        Col("text", "事由", "reason"),
        Col("text", "商户", "merchant"),
        Col("text", "订单号", "order_reference"),
        Col("text", "退款单号", "refund_reference"),
        Col("time", "退款时间", "occurred_at"),
        Col("yuan", "退货金额", "amount_fen"),
        Col("yuan", "冲减本批", "less_fen"),
    ),
    text(f"""
SELECT '本批核销的退货' AS reason, l.name AS merchant, r.order_reference, f.refund_reference,
    f.occurred_at, f.amount_fen, f.subsidy_part_fen AS less_fen, l.id AS line_id, f.id
FROM settlement_line l JOIN settlement_item i ON i.line_id = l.id AND i.live
JOIN redemption r ON r.id = i.redemption_id
JOIN redemption_refund f ON f.redemption_id = r.id AND f.recovery = 'none'
WHERE {_PAID_LINE} AND r.refunded_discount_fen > 0 AND f.subsidy_part_fen > 0
UNION ALL
SELECT '抵扣以前多付的', l.name, NULL, NULL, NULL, NULL, l.deducted_fen, l.id, l.id
FROM settlement_line l WHERE {_PAID_LINE} AND l.deducted_fen > 0
ORDER BY line_id, id"""),  # noqa: S608 - as above
)
EXCLUDED = Listing(
    "07-异常剔除表",
    "异常剔除表",
    (
        Col("text", "范围", "scope"),
        Col("text", "商户或个人", "name"),
        Col("text", "订单号", "order_reference"),
        Col("text", "原因", "reason", {**LEFT_OUT, **HOLD_REASONS}),
        Col("time", "从何时起", "since"),
        Col("yuan", "未列入金额", "amount_fen"),
    ),
    text(f"""
SELECT '整户不付' AS scope, l.name, NULL AS order_reference, l.left_out::text AS reason,
    NULL::timestamptz AS since, l.due_fen AS amount_fen, l.id
FROM settlement_line l WHERE l.batch_id = :batch AND l.status = 'left_out'
UNION ALL
SELECT '单笔暂缓', m.name, r.order_reference, h.reason::text, h.since,
    r.discount_fen - r.refunded_discount_fen, h.id
FROM settlement_hold h JOIN redemption r ON r.id = h.redemption_id AND r.occurred_at < :until
JOIN merchant m ON m.id = r.merchant_id JOIN offer o ON o.id = r.offer_id
JOIN campaign c ON c.id = o.campaign_id JOIN programme p ON p.id = c.programme_id
WHERE h.since <= :closed_at AND (h.until IS NULL OR h.until > :closed_at) AND {_OF_BATCH}
    AND NOT EXISTS (SELECT FROM settlement_item i JOIN settlement_line l ON l.id = i.line_id
        WHERE i.redemption_id = r.id AND i.live AND {_PAID_LINE})
UNION ALL
SELECT '商户暂缓付款', m.name, NULL, h.reason, h.since, u.fen, h.id
FROM payment_hold h JOIN merchant m ON m.id = h.merchant_id CROSS JOIN LATERAL ({_UNPAID}) u
WHERE h.since <= :closed_at AND (h.until IS NULL OR h.until > :closed_at) AND u.fen > 0
UNION ALL
SELECT '商户没有收款账户', m.name, NULL, 'no_account', NULL, u.fen, m.id
FROM merchant m CROSS JOIN LATERAL ({_UNPAID}) u
WHERE NOT EXISTS (SELECT FROM settlement_account a WHERE a.merchant_id = m.id
    AND a.status = 'approved' AND a.effective_from <= :drafted_at) AND u.fen > 0
UNION ALL
SELECT '审核不通过', m.name, r.order_reference, v.reason, v.refused_at,
    r.discount_fen - r.refunded_discount_fen, v.id
FROM sale_review v JOIN redemption r ON r.id = v.id AND r.occurred_at < :until
JOIN merchant m ON m.id = v.merchant_id JOIN offer o ON o.id = r.offer_id
JOIN campaign c ON c.id = o.campaign_id JOIN programme p ON p.id = c.programme_id
WHERE v.status = 'refused' AND v.refused_at <= :closed_at AND {_OF_BATCH}
ORDER BY scope, name, id"""),  # noqa: S608 - as above
)
