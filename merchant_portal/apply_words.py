"""Words of the pages on which somebody applies to become a merchant."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask

from voucher_service.i18n import gettext, mark
from voucher_service.merchants.accounts import ACCOUNT_PUBLIC
from voucher_service.merchants.onboarding import (
    FINDINGS,
    MERCHANT_APPLICATION_PUBLIC,
    DocumentKind,
    Step,
)
from voucher_service.web.language import locale

STEPS: Mapping[str, str] = {
    Step.BUSINESS: mark("营业执照"),
    Step.SHOPS: mark("门店"),
    Step.ACCOUNT: mark("收款账户"),
    Step.DOCUMENTS: mark("材料"),
    Step.COMMITMENT: mark("承诺和提交"),
}
DOCUMENTS: Mapping[str, str] = {
    DocumentKind.LICENCE: FINDINGS["licence"],
    DocumentKind.STOREFRONT: FINDINGS["storefront"],
    DocumentKind.CERTIFICATE: FINDINGS["certificate"],
}
DOCUMENT_NOTES: Mapping[str, str] = {
    DocumentKind.LICENCE: mark("正本或副本，四角拍全，字看得清"),
    DocumentKind.STOREFRONT: mark("看得到招牌和门牌，和执照地址一致"),
    DocumentKind.CERTIFICATE: mark("开户许可证、基本账户信息表，或银行卡正面"),
}
_FINDINGS_OF: Mapping[str, tuple[str, ...]] = {
    Step.BUSINESS: ("name", "uscc", "legal_person", "size_class"),
    Step.SHOPS: ("shops",),
    Step.ACCOUNT: ("account",),
    Step.DOCUMENTS: ("licence", "storefront", "certificate"),
    Step.COMMITMENT: (),
}


def install(app: Flask) -> None:
    """Teach the templates of this face these words."""
    app.jinja_env.filters["step_name"] = _say(STEPS)
    app.jinja_env.globals.update(
        finding_name=_say(FINDINGS),
        document_name=_say(DOCUMENTS),
        document_note=_say(DOCUMENT_NOTES),
        application_state=_say(
            {str(one): said for one, said in MERCHANT_APPLICATION_PUBLIC.items()}
        ),
        account_state=_say({str(one): said for one, said in ACCOUNT_PUBLIC.items()}),
        step_findings=lambda step: _FINDINGS_OF[step],
    )


def _say(words: Mapping[str, str]) -> Callable[[str], str]:
    return lambda value: gettext(words.get(value, str(value)), locale())
