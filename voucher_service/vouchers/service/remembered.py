"""An offer as a process remembers it for a second, so that a crowd's claims don't each read it.

Safe to be old: a batch is fenced by the offer's epoch when it is written, and a gate at another
epoch sends the claim back to a fresh read.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.model import CampaignKind, Offer, OfferStatus
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId

_SECONDS = 1.0
_MOST = 1_024
_known: dict[OfferId, tuple[float, Offer]] = {}


def remembered(core: Core, offer: OfferId, *, fresh: bool = False) -> Offer:
    """The offer with what its releases left over, at most a second old.

    Raises NoSuchThing, for a draft too.
    """
    return flowing(_read(core, offer, fresh=fresh), core.clock.at or datetime.now(UTC))


def _read(core: Core, offer: OfferId, *, fresh: bool) -> Offer:
    entry = _known.get(offer)
    if entry is not None and not fresh and time.monotonic() - entry[0] < _SECONDS:
        return entry[1]
    with core.transaction() as session:
        found = campaigns.offer(session, offer=offer)
    if found.status is OfferStatus.DRAFT or found.issues is not CampaignKind.VOUCHER:
        raise NoSuchThing
    if len(_known) >= _MOST:
        _known.clear()
    _known[offer] = (time.monotonic(), found)
    return found


def forget(offer: OfferId) -> None:
    """Read the offer anew the next time."""
    _known.pop(offer, None)
