"""How money, ratios, days and numbers are written, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import Money

MINUS = "\u2212"
NOTHING = "–"
_WEEKDAYS = {"zh-CN": "一二三四五六日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEP_FEN = 100_000  # a tenth of 万元, a thousandth of a million yuan


def money(value: Money | None) -> str:
    """A sum to the fen: ¥1,234.50."""
    if value is None:
        return NOTHING
    yuan, rest = divmod(abs(value.fen), 100)
    return f"{MINUS if value.fen < 0 else ''}¥{yuan:,}.{rest:02d}"


def face(value: Money | None) -> str:
    """A face value or threshold: ¥20, and ¥12.50 when it is not whole."""
    return money(value).removesuffix(".00")


def yuan(value: Money) -> str:
    """The figure of a face value without its sign, for a ticket that prints the sign small: 20."""
    return face(value).replace("¥", "")


def wan(value: Money | None, locale: str) -> str:
    """A sum for officials: 1,204.5万元, CNY 17.831 million. Rounded half away from zero."""
    figure, unit = wan_parts(value, locale)
    return f"CNY {figure} {unit}" if locale == "en" and unit else f"{figure}{unit}"


def wan_parts(value: Money | None, locale: str) -> tuple[str, str]:
    """The figure and the unit apart, where the unit is printed smaller."""
    if value is None:
        return NOTHING, ""
    sign = MINUS if value.fen < 0 else ""
    steps = (abs(value.fen) + _STEP_FEN // 2) // _STEP_FEN
    if locale == "en":
        return f"{sign}{steps // 1000:,}.{steps % 1000:03d}", "million"
    return f"{sign}{steps // 10:,}.{steps % 10}", "万元"


def ratio(value: Decimal | int | str | None) -> str:
    """Two decimals: 5.18; a dash where it has no meaning."""
    return NOTHING if value is None else _rounded(value, "0.01")


def percent(part: Decimal | int | str | None, whole: Decimal | int = 1) -> str:
    """A share of a whole, one decimal: 92.1%. A dash where there is no whole."""
    if part is None or not whole:
        return NOTHING
    return _rounded(Decimal(str(part)) * 100 / Decimal(whole), "0.1") + "%"


def count(value: int | None) -> str:
    """A whole number with separators: 12,480."""
    return NOTHING if value is None else f"{value:,}".replace("-", MINUS)


def day(value: date, locale: str, today: date) -> str:
    """A day with its weekday, the year only when it is not this one; 今天 and 明天 by name."""
    near = {0: ("今天", "today"), 1: ("明天", "tomorrow")}.get((value - today).days)
    if near:
        return near[1] if locale == "en" else near[0]
    words = [plain_day(value, locale, today), _weekday(value, locale)]
    return " ".join(reversed(words) if locale == "en" else words)


def plain_day(value: date, locale: str, today: date) -> str:
    """A day without its weekday: 9月23日, 23 Sep; with the year when it is not this one."""
    other_year = value.year != today.year
    if locale == "en":
        return f"{value.day} {_MONTHS[value.month - 1]}" + (f" {value.year}" if other_year else "")
    return (f"{value.year}年" if other_year else "") + f"{value.month}月{value.day}日"


def hour(value: datetime) -> str:
    """The time of day in Shanghai: 10:00."""
    return value.astimezone(SHANGHAI).strftime("%H:%M")


def instant(value: datetime, locale: str, today: date) -> str:
    """Day and hour in Shanghai: 9月23日 周三 10:00; Wed 23 Sep, 10:00."""
    local = value.astimezone(SHANGHAI)
    comma = "," if locale == "en" else ""
    return f"{day(local.date(), locale, today)}{comma} {hour(local)}"


def until(value: datetime, locale: str, today: date) -> str:
    """The end of a validity: 9月30日 24:00 前; until the end of 30 Sep."""
    local = value.astimezone(SHANGHAI)
    if (local.hour, local.minute) == (0, 0):
        last = plain_day(local.date() - timedelta(days=1), locale, today)
        return f"until the end of {last}" if locale == "en" else f"{last} 24:00 前"
    last = plain_day(local.date(), locale, today)
    return f"until {last}, {hour(local)}" if locale == "en" else f"{last} {hour(local)} 前"


def iso(value: datetime) -> str:
    """An instant for machines: RFC 3339 with the offset of Shanghai, whole seconds."""
    return value.astimezone(SHANGHAI).isoformat(timespec="seconds")


def listed(names: Iterable[str], locale: str) -> str:
    """Names one behind the other: 餐饮、零售; dining, retail."""
    return (", " if locale == "en" else "、").join(names)


def clauses(parts: Iterable[str], locale: str) -> str:
    """The same of longer parts, which may have commas themselves."""
    return ("; " if locale == "en" else "；").join(parts)


def sentences(said: Iterable[str], locale: str) -> str:
    """Sentences one behind the other: Chinese ones have no space between them."""
    return (" " if locale == "en" else "").join(said)


def headed(name: str, text: str, locale: str) -> str:
    """A name and what is said of it: 核销率：92.1%; Redemption rate: 92.1%."""
    return f"{name}: {text}" if locale == "en" else f"{name}：{text}"


def group4(value: str | int) -> str:
    """Groups of four: 1001 2206 7714."""
    text = str(value)
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def _weekday(value: date, locale: str) -> str:
    name = _WEEKDAYS[locale][value.weekday()]
    return name if locale == "en" else f"周{name}"


def _rounded(value: Decimal | int | str, step: str) -> str:
    figure = Decimal(str(value)).quantize(Decimal(step), ROUND_HALF_UP)
    return f"{figure:,}".replace("-", MINUS)
