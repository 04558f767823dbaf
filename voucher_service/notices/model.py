"""What a notice is about, and its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from voucher_service.i18n import LOCALES, formats, gettext, mark
from voucher_service.i18n.errors import written
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import ResidentId

# What could not be sent by then is no news any more.
STALE_AFTER = timedelta(days=3)
KEPT = timedelta(days=90)
# Providers refuse bursts, and a burst of good news is a crowd at the same moment.
PER_SECOND = 20


class Kind(StrEnum):
    """What happened."""

    LOTTERY_WON = "lottery_won"
    PUSH_GIVEN = "push_given"
    QUALIFICATION_ENDS = "qualification_ends"
    QUALIFICATION_GIVEN = "qualification_given"
    QUALIFICATION_FUNDED = "qualification_funded"
    REVISION_OWED = "revision_owed"


TEXT: Mapping[Kind, str] = {
    Kind.LOTTERY_WON: mark("“{title}”摇号，您中签了。{at} 起可以领，给您留着，不用抢。"),
    Kind.PUSH_GIVEN: mark("“{title}”已经发给您了，在“我的券”里，{until}有效。"),
    Kind.QUALIFICATION_ENDS: mark(
        "“{title}”的资格还没有用，{until}有效。不用的话请放弃，好让给别人。"
    ),
    Kind.QUALIFICATION_GIVEN: mark(
        "候补到了：“{title}”的资格给您了，在“我的补贴资格”里，{until}有效。"
    ),
    Kind.QUALIFICATION_FUNDED: mark(
        "“{title}”又有钱了，您的资格现在可以用，{until}有效。请再到门店出示。"
    ),
    Kind.REVISION_OWED: mark(
        "“{title}”按新政策给您补差。请到“以旧换新”的“补差”里看多少，家电和数码产品要填收款卡。"
    ),
}
_SENDER = mark("【消费券】")


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one resident: the offer's title, and the instant at which something opens or
    ends.
    """

    resident_id: ResidentId
    kind: Kind
    title: str
    at: datetime

    @property
    def text(self) -> str:
        """Chinese first, then English, since we don't know what its reader speaks."""
        return "\n".join(self._in(locale) for locale in LOCALES)

    def _in(self, locale: str) -> str:
        facts = {
            "title": self.title,
            "at": written(self.at, locale),
            "until": formats.until(self.at, locale, day_of(self.at)),
        }
        return gettext(_SENDER, locale) + gettext(TEXT[self.kind], locale, **facts)
