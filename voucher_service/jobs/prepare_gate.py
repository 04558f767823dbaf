"""Job `prepare_gate`: fill an offer's gate from PostgreSQL. Arguments: `offer`, its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import OfferId
from voucher_service.tradein import service as tradein
from voucher_service.vouchers import service as vouchers


def prepare_gate(core: Core, args: Mapping[str, Any], finish: Callable[[Session], None]) -> None:
    """Fill the gate, then finish: filling it once more does no harm."""
    id = OfferId(UUID(args["offer"]))
    with core.transaction() as session:
        offer = campaigns.offer(session, offer=id)
    feature = vouchers if offer.issues is CampaignKind.VOUCHER else tradein
    feature.prepare_gate(core, offer=id, refill=bool(args.get("refill")))
    with core.transaction() as session:
        finish(session)
