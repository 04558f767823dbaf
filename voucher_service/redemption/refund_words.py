"""What became of a voucher or a qualification by a refund, in words for its holder and the till."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from voucher_service.i18n import formats, gettext, mark
from voucher_service.kernel.clock import day_of
from voucher_service.tradein.qualifications import Status as QualificationStatus
from voucher_service.vouchers.model import Status as VoucherStatus

from .refunds import After, Fate

SENTENCES: Mapping[Fate, str] = {
    Fate.LIVES: mark("券又能用了，{until}有效。"),
    Fate.LIVES_TOMORROW: mark("券从 {day} 起又能用，{until}有效。"),
    Fate.RETURNED: mark("券已退回，领券的名额还给领券人，可以再领。"),
    Fate.PARTIAL: mark("券不再可用：只退了一部分。整单退完时，看这种券的规定。"),
    Fate.BY_RULE: mark("券不再可用：这种券用过就不恢复。"),
    Fate.EXPIRED: mark("券不再可用：已过有效期。"),
    Fate.CLOSED: mark("券不再可用：活动结束，先前退掉的券款已退回财政。"),
}
QUALIFICATION_SENTENCES: Mapping[Fate, str] = {
    Fate.LIVES: mark("资格恢复了，又能用，{until}有效。"),
    Fate.PARTIAL: mark("资格算用掉了：只退了一部分钱，按退后的价格留下补贴。"),
    Fate.CLOSED: mark("资格不再可用：这一期补贴已经结束，补贴款退回财政。"),
}
# Of a voucher that other orders can still be paid with.
_SOME_LEFT = mark("这一次抵掉的不恢复，券里剩下的还能用，{until}有效。")


def fate_in_words(
    fate: Fate,
    after: After,
    valid_from: datetime,
    valid_until: datetime,
    locale: str,
    today: date,
) -> str:
    """One sentence; from when until when the voucher can be spent is said where it can.

    `after`: where the voucher or the qualification stands after the refund.
    """
    if isinstance(after, QualificationStatus):
        until = formats.until(valid_until, locale, today)
        return gettext(QUALIFICATION_SENTENCES[fate], locale).format(until=until)
    consumed = fate in (Fate.PARTIAL, Fate.BY_RULE, Fate.CLOSED)
    some_left = consumed and after in (VoucherStatus.CLAIMED, VoucherStatus.FROZEN)
    return gettext(_SOME_LEFT if some_left else SENTENCES[fate], locale).format(
        day=formats.day(day_of(valid_from), locale, today),
        until=formats.until(valid_until, locale, today),
    )
