"""What a release left over flows into the releases after it, where the offer says so. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from .canary import kept_shut
from .model import Offer

# Clocks may differ this much: by the gate's own, the release that seems over may still be open.
_CLOCKS_APART = timedelta(minutes=1)


def flowing(offer: Offer, now: datetime) -> Offer:
    """The offer as its gate must see it now; what a canary keeps shut opens later.

    While a release is open, a release that is over takes part in that window with what it has free.
    Each keeps its own slots and quota, so that no constraint knows of it. Between two releases, and
    for an offer that says no, the offer as it is.
    """
    offer = kept_shut(offer, now)
    running = [one for one in offer.releases if one.opens_at <= now < one.closes_at]
    if not offer.lapse_returns or not running or len(offer.releases) == 1:
        return offer
    opens, closes = (
        min(one.opens_at for one in running),
        max(one.closes_at for one in running),
    )
    over = now - _CLOCKS_APART
    return replace(
        offer,
        releases=tuple(
            replace(one, opens_at=opens, closes_at=closes) if one.closes_at <= over else one
            for one in offer.releases
        ),
    )
