"""Use cases of campaigns: planning, publishing, and what other features ask of an offer."""

from .capping import budget_caps, campaign_caps, cap_budget, cap_campaign
from .finding import offer_named
from .foresight import PUBLISH, past_from, simulation
from .judging import canaries, rest_to_come
from .lifting import ask_to_lift
from .planning import (
    add_budget_line,
    add_offer,
    create_campaign,
    create_offer,
    create_programme,
    draft,
)
from .publishing import also_frozen, close, free_unspent, resume, send_rest_home, submit
from .reading import (
    Fence,
    campaign,
    campaign_name,
    campaign_offers,
    campaigns,
    closed_offers,
    fence,
    is_synthetic,
    offer,
    offer_ids,
    open_offers,
    programme,
    programme_by_id,
    programmes,
    raise_epoch,
    running_offers,
    set_run_id,
    terms,
)
from .stopping import pause, stop

__all__ = [
    "PUBLISH",
    "Fence",
    "add_budget_line",
    "add_offer",
    "also_frozen",
    "ask_to_lift",
    "budget_caps",
    "campaign",
    "campaign_caps",
    "campaign_name",
    "campaign_offers",
    "campaigns",
    "canaries",
    "cap_budget",
    "cap_campaign",
    "close",
    "closed_offers",
    "create_campaign",
    "create_offer",
    "create_programme",
    "draft",
    "fence",
    "free_unspent",
    "is_synthetic",
    "offer",
    "offer_ids",
    "offer_named",
    "open_offers",
    "past_from",
    "pause",
    "programme",
    "programme_by_id",
    "programmes",
    "raise_epoch",
    "rest_to_come",
    "resume",
    "running_offers",
    "send_rest_home",
    "set_run_id",
    "simulation",
    "stop",
    "submit",
    "terms",
]
