"""What is wrong with a draft of a policy, for whoever typed it, in Chinese or English."""

from __future__ import annotations

from collections.abc import Mapping

from voucher_service.i18n import gettext, mark
from voucher_service.infra.data_files import DataFileInvalid

_KINDS: Mapping[str, str] = {
    "a whole number": mark("整数"),
    "a text": mark("一行文字"),
    "a date (2023-05-01)": mark("日期（2023-05-01）"),
    "a time of day (10:00:00)": mark("时刻（10:00:00）"),
    "a table": mark("一个表"),
    "a list": mark("一个列表"),
}
_REASONS: Mapping[str, str] = {
    "is no TOML: {error}": mark("{key}：不是 TOML 的写法（{error}）。"),
    "a table is needed": mark("{key}：这里要一个表。"),
    "is missing; {what} is needed": mark("{key}：缺了，要写{what}。"),
    "{what} is needed, not {value}": mark("{key}：要写{what}，不能写 {value}。"),
    "at least {least:,} is needed, not {value:,}": mark("{key}：至少 {least}，不能是 {value}。"),
    "at least {least:,} and at most {most:,} is needed, not {value:,}": mark(
        "{key}：要在 {least} 和 {most} 之间，不能是 {value}。"
    ),
    "a text of one line is needed": mark("{key}：要写一行文字，不能空。"),
    "a list of texts is needed": mark("{key}：要写一列文字。"),
    "names something twice": mark("{key}：有一项写了两遍。"),
    "the list is empty": mark("{key}：这一列是空的。"),
    "is not a key of such a file": mark("{key}：这种文件里没有这一项，可能写错了。"),
    "one of flat_fen, tiers and rate_bps is needed": mark(
        "{key}：flat_fen、tiers 和 rate_bps 要写其中一项。"
    ),
    "grades are 1 to 5": mark("{key}：能效等级是 1 到 5。"),
    "unknown: {words}": mark("{key}：不认识 {words}。"),
    "the first day is after the last": mark("{key}：第一天在最后一天之后。"),
    "is before the last day": mark("{key}：在最后一天之前。"),
    "is before the last day of filing": mark("{key}：在申请的最后一天之前。"),
    "{area} is no division of ours": mark("{key}：{area} 不是我们认识的地区。"),
    "not of this scheme: {words}": mark("{key}：这类补贴没有 {words}。"),
    "tiers rise, in price and in sum": mark("{key}：各档的价格和金额都要一档比一档高。"),
    "{word} is none of {words}": mark("{key}：{word} 不在 {words} 之中。"),
}


def sentence(error: DataFileInvalid, locale: str) -> str:
    """What is wrong, with the key that it is about; as the file's reader says it where no sentence
    is known.
    """
    if error.reason not in _REASONS:
        return str(error)
    told = {name: _told(value, locale) for name, value in error.facts.items()}
    return gettext(_REASONS[error.reason], locale, key=error.key, **told)


def _told(value: object, locale: str) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    known = _KINDS.get(str(value))
    return gettext(known, locale) if known else str(value)
