"""A draft of a policy run over past decisions: what it would have cost, and who gains or loses."""

from __future__ import annotations

from datetime import date

from voucher_service.infra import areas
from voucher_service.infra.core import Core

from ...policy import Policy
from .. import sources
from ..effects import Effects, Tally


def what_if(
    core: Core,
    *,
    draft: Policy,
    first: date,
    last: date,
    area: str = "",
) -> Effects:
    """What a draft makes of every decision of its kind of subsidy that still stands, of what was
    bought on these days, both included, in an area. Its own days don't count: last year's purchases
    are judged as if it had been in force; its days for old cars do.

    Reads a part at a time and keeps sums only.
    """
    tally = Tally(draft)
    for one in sources.bought(core, scheme=draft.scheme, first=first, last=last):
        if areas.within(one.area, area):
            tally.add(one)
    return tally.effects()
