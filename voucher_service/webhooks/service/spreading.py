"""What the trail says of orders becomes messages: the trail is the outbox, so tills pay nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import tail
from voucher_service.audit.tail import Seen
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import RedemptionId, new_id
from voucher_service.redemption.model import Redemption
from voucher_service.redemption.told import told

from .. import store
from ..model import KINDS


def spread(core: Core) -> int:
    """Write what ended since the last time as messages for whoever wants them; how many."""
    with core.transaction() as session:
        before = store.horizon(session)
        if before is None:
            return 0
        wanted = store.any_endpoint(session)
        after, seen = tail.read_on(session, before, actions=KINDS if wanted else ())
        rows = _messages(session, seen)
        store.add_messages(session, rows)
        store.set_horizon(session, after)
        return len(rows)


def _messages(session: Session, seen: list[Seen]) -> list[dict[str, Any]]:
    ids = {RedemptionId(UUID(id)) for one in seen for id in one.objects}
    known = {one.id: one for one in told(session, ids=ids)} if ids else {}
    places = defaultdict(list)
    for place in store.endpoints(session, shops={one.shop_id for one in known.values()}):
        places[place.shop_id].append(place)
    return [
        _row(one, known[id], endpoint.id)
        for one in seen
        for id in map(RedemptionId, map(UUID, one.objects))
        if id in known
        for endpoint in places[known[id].shop_id]
        if endpoint.disabled_at is None and endpoint.occurred_at <= one.occurred_at
    ]


def _row(one: Seen, order: Redemption, endpoint: UUID) -> dict[str, Any]:
    id = new_id()
    return {
        "id": id,
        "endpoint_id": endpoint,
        "event_id": one.id,
        "redemption_id": order.id,
        "kind": one.action,
        "body": json.dumps(
            {
                "id": str(id),
                "type": one.action,
                "occurred_at": one.occurred_at.isoformat(),
                "shop_id": str(order.shop_id),
                "redemption": {
                    "id": str(order.id),
                    "status": str(order.status),
                    "order_reference": order.order_reference,
                    "order_amount_fen": order.order_amount.fen,
                    "discount_fen": order.discount.fen,
                    "payable_fen": order.payable.fen,
                    "refunded_fen": order.refunded.fen,
                    "net_paid_fen": order.net_paid.fen,
                },
            },
            ensure_ascii=False,
        ),
        "attempts": 0,
        "wanted_at": one.occurred_at,
        "due_at": one.occurred_at,
        "occurred_at": one.occurred_at,
    }
