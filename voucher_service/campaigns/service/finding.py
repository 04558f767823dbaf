"""Find one offer by what people and links call it."""

from __future__ import annotations

from uuid import UUID

from voucher_service.infra.core import Core
from voucher_service.kernel.errors import NoSuchThing

from .. import store
from ..model import CampaignKind, Offer, OfferStatus
from ..tables import OfferRow


def offer_named(core: Core, *, name: str) -> Offer:
    """The published offer of vouchers of that id or short name.

    Raises NoSuchThing, for a draft and for a pool of qualifications too.
    """
    with core.transaction() as session:
        found = store.offers(
            session, OfferRow.id == UUID(name) if _is_id(name) else OfferRow.slug == name
        )
    vouchers = [one for one in found if one.issues is CampaignKind.VOUCHER]
    if not vouchers or vouchers[0].status is OfferStatus.DRAFT:
        raise NoSuchThing
    return vouchers[0]


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name.lower()
    except ValueError:
        return False
