"""The lifecycles of a campaign and an offer: what happens to them, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from voucher_service.kernel.actor import Role
from voucher_service.kernel.machine import Machine

from .model import CampaignStatus, OfferStatus


class CampaignEvent(StrEnum):
    """What happens to a campaign."""

    SUBMITTED = "campaign.submitted"
    SENT_BACK = "campaign.sent_back"
    PUBLISHED = "campaign.published"
    PAUSED = "campaign.paused"
    RESUMED = "campaign.resumed"
    CLOSED = "campaign.closed"


class OfferEvent(StrEnum):
    """What happens to an offer."""

    OPENED = "offer.opened"
    CLOSED = "offer.closed"


CAMPAIGN: Machine[CampaignStatus, CampaignEvent] = Machine(
    "campaign",
    CampaignStatus.DRAFT,
    {
        CampaignStatus.DRAFT: {CampaignEvent.SUBMITTED: CampaignStatus.SUBMITTED},
        CampaignStatus.SUBMITTED: {
            CampaignEvent.PUBLISHED: CampaignStatus.PUBLISHED,
            CampaignEvent.SENT_BACK: CampaignStatus.DRAFT,
        },
        CampaignStatus.PUBLISHED: {
            CampaignEvent.PAUSED: CampaignStatus.PAUSED,
            CampaignEvent.CLOSED: CampaignStatus.CLOSED,
        },
        CampaignStatus.PAUSED: {
            CampaignEvent.RESUMED: CampaignStatus.PUBLISHED,
            CampaignEvent.CLOSED: CampaignStatus.CLOSED,
        },
        CampaignStatus.CLOSED: {},
    },
)
OFFER: Machine[OfferStatus, OfferEvent] = Machine(
    "offer",
    OfferStatus.DRAFT,
    {
        OfferStatus.DRAFT: {OfferEvent.OPENED: OfferStatus.OPEN},
        OfferStatus.OPEN: {OfferEvent.CLOSED: OfferStatus.CLOSED},
        OfferStatus.PAUSED: {},
        OfferStatus.CLOSED: {},
    },
)
CAMPAIGN_PUBLIC: Mapping[CampaignStatus, str] = {
    CampaignStatus.DRAFT: "草稿",
    CampaignStatus.SUBMITTED: "等待批准",
    CampaignStatus.PUBLISHED: "发放中",
    CampaignStatus.PAUSED: "已暂停",
    CampaignStatus.CLOSED: "已结束",
}
OFFER_PUBLIC: Mapping[OfferStatus, str] = {
    OfferStatus.DRAFT: "草稿",
    OfferStatus.OPEN: "可领",
    OfferStatus.PAUSED: "已暂停",
    OfferStatus.CLOSED: "已结束",
}
CAMPAIGN_OWNER: Mapping[CampaignStatus, frozenset[Role]] = {
    CampaignStatus.DRAFT: frozenset({Role.PLANNER}),
    CampaignStatus.SUBMITTED: frozenset({Role.APPROVER}),
    CampaignStatus.PUBLISHED: frozenset({Role.PLANNER, Role.APPROVER}),
    CampaignStatus.PAUSED: frozenset({Role.APPROVER}),
    CampaignStatus.CLOSED: frozenset(),
}
OFFER_OWNER: Mapping[OfferStatus, frozenset[Role]] = {
    OfferStatus.DRAFT: frozenset({Role.PLANNER}),
    OfferStatus.OPEN: frozenset({Role.PLANNER, Role.APPROVER}),
    OfferStatus.PAUSED: frozenset({Role.APPROVER}),
    OfferStatus.CLOSED: frozenset(),
}
