"""The consent to identity verification. A new text needs a new version."""

from __future__ import annotations

from voucher_service.i18n import mark

VERSION = "2026-09"
PARAGRAPHS = (
    mark("为了每人限领、防止冒领，我们要核对您的姓名和证件号码是不是同一个人的。"),
    mark(
        "姓名和证件号码加密保存，只用于核对身份、发放和核销消费券、查处冒领，不用于广告，也不给商家看。"
    ),
    mark("核对时会把姓名和证件号码交给市里指定的实名核验机构，核完即止。"),
    mark("您可以随时查看自己的资料；要更正或注销，请到社区窗口办理，或拨打 12345。"),
)
