"""Use cases of campaigns: planning, publishing, and what other features ask of an offer."""

from .finding import offer_named
from .planning import (
    add_budget_line,
    create_campaign,
    create_offer,
    create_programme,
)
from .publishing import also_frozen, close, free_unspent, pause, resume, submit
from .reading import (
    Fence,
    campaign,
    campaign_offers,
    campaigns,
    fence,
    offer,
    offer_ids,
    open_offers,
    programme,
    programmes,
    raise_epoch,
    set_run_id,
    terms,
)

__all__ = [
    "Fence",
    "add_budget_line",
    "also_frozen",
    "campaign",
    "campaign_offers",
    "campaigns",
    "close",
    "create_campaign",
    "create_offer",
    "create_programme",
    "fence",
    "free_unspent",
    "offer",
    "offer_ids",
    "offer_named",
    "open_offers",
    "pause",
    "programme",
    "programmes",
    "raise_epoch",
    "resume",
    "set_run_id",
    "submit",
    "terms",
]
