"""Every refusal in words: what happened · why · what became of the money · what to do next.

`TEXT` maps a code to its sentences, the fullest first: the first whose facts are all known is said.
Features add the codes of their own leaves here; English stands in `translations/en/errors.po`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from string import Formatter
from typing import Any

from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Malformed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from voucher_service.kernel.money import Money

from . import formats
from .catalogue import gettext, mark
from .sentences import TEXT

KINDS: dict[type[DomainError], str] = {
    Malformed: "这个请求读不懂，什么也没有改变。请照接口说明改好再发。",
    Unauthenticated: "还没登录。请先登录。",
    Forbidden: "您的账号不能做这件事，什么也没有改变。请找本单位的管理人员开通权限。",
    NotFound: "没有找到。可能是地址写错了，或者不归您看。",
    Conflict: "现在的状态不能这样做，什么也没有改变。请刷新后看看最新情况。",
    Unprocessable: "填的内容不合规定，什么也没有改变。请照提示改好再交。",
    TooMany: "太频繁了，什么也没有改变。请稍等再试。",
    Unavailable: "现在还不知道结果。请用同一个请求再试一次，不会重复。",
}


WHOLE_FILE, LINE = mark("整个文件"), mark("第 {n} 行")


def sentence(error: DomainError, locale: str) -> str:
    """The sentence for the reader, its facts written as people write them.

    A code without a text gets the sentence of its kind.
    """
    return say(error.code, locale, error.params) or gettext(_kind_text(error), locale)


def say(code: str, locale: str, facts: dict[str, Any] | None = None) -> str:
    """The fullest sentence of a code whose facts are all given; empty when the code has no text."""
    given = {name: written(value, locale) for name, value in (facts or {}).items()}
    for text in TEXT.get(code, ()):
        if all(name is None or name in given for _, name, _, _ in Formatter().parse(text)):
            return gettext(text, locale, **given)
    return ""


def faults(error: DomainError, locale: str) -> list[tuple[str, str]]:
    """What is wrong with an uploaded file: in which line, and what, in the reader's words."""
    return wrong_lines(error.extra, locale)


def wrong_lines(extra: Mapping[str, Any], locale: str) -> list[tuple[str, str]]:
    """The same of what a refusal named, also of one that was kept.

    Its `lines` are named by number, 0 for the file, with a `text` and its facts.
    """
    told = [one for one in extra.get("lines", ()) if "text" in one]
    return [(_where(one["line"], locale), fault(one, locale)) for one in told]


def fault(line: Mapping[str, Any], locale: str) -> str:
    """The text of one such line, its facts filled in."""
    facts = {name: _told(value, locale) for name, value in line.items() if name != "text"}
    return gettext(line["text"], locale, **facts)


def _where(number: int, locale: str) -> str:
    return gettext(LINE, locale, n=number) if number else gettext(WHOLE_FILE, locale)


def _told(value: Any, locale: str) -> str:
    """A column's name may be one of our texts."""
    return gettext(value, locale) if isinstance(value, str) else written(value, locale)


def written(value: Any, locale: str) -> str:
    """A fact as people write it."""
    today = datetime.now(SHANGHAI).date()
    if isinstance(value, Money):
        return formats.face(value)
    if isinstance(value, datetime):
        return formats.instant(value, locale, today)
    if isinstance(value, date):
        return formats.day(value, locale, today)
    if isinstance(value, int):
        return formats.count(value)
    return str(value)


def _kind_text(error: DomainError) -> str:
    for kind, text in KINDS.items():
        if isinstance(error, kind):
            return text
    return KINDS[Conflict]
