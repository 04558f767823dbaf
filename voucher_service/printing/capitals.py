"""Sums of renminbi in Chinese capitals (大写), as vouchers of account and bank slips have them.

By §52 of 《会计基础工作规范》 and the rules on filling in bills: 整 after a sum of whole yuan or of
whole jiao, none after fen; several zeros in a row are one 零; where a 零 may be left out it is.
"""

from __future__ import annotations

from voucher_service.kernel.money import Money

CURRENCY = "人民币"
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ((1_000, "仟"), (100, "佰"), (10, "拾"), (1, ""))
_GROUPS = ((100_000_000, "亿"), (10_000, "万"))
_MOST_YUAN = 10**16


def capitals(amount: Money) -> str:
    """The sum with its currency: `人民币壹佰元零伍分`. A negative one has 负 behind the currency.

    Raises ValueError from ten thousand 万亿 yuan on.
    """
    yuan, rest = divmod(abs(amount.fen), 100)
    if yuan >= _MOST_YUAN:
        raise ValueError(f"no form has room for {amount}")
    sign = "负" if amount.fen < 0 else ""
    return CURRENCY + sign + _with_coins(yuan, *divmod(rest, 10))


def _with_coins(yuan: int, jiao: int, fen: int) -> str:
    text = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif fen and yuan:
        text += "零"
    if fen:
        return f"{text}{_DIGITS[fen]}分"
    return f"{text or '零元'}整"


def _whole(number: int) -> str:
    """A positive whole number: by 亿, then by 万, then its four digits."""
    for size, name in _GROUPS:
        high, low = divmod(number, size)
        if high:
            return _whole(high) + name + _joined(low, size // 10)
    return _four(number)


def _joined(low: int, full: int) -> str:
    """What follows a group: behind a 零 where its highest digit is nought."""
    if not low:
        return ""
    return ("零" if low < full else "") + _whole(low)


def _four(number: int) -> str:
    text, skipped = "", False
    for value, place in _PLACES:
        digit = number // value % 10
        if digit:
            text += ("零" if skipped and text else "") + _DIGITS[digit] + place
        skipped = not digit
    return text
