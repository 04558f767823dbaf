"""Look at the canaries that are under way: what was claimed, spent and refused since they began.

Each is judged once a second while it waits. Whoever claims pays nothing for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.audit.model import OvertakenByAnother
from voucher_service.campaigns.canary import SIGNALS, Canary, Facts, Finding, judge
from voucher_service.campaigns.model import Offer
from voucher_service.campaigns.service import judging
from voucher_service.i18n.catalogue import DEFAULT, gettext
from voucher_service.infra.core import Core
from voucher_service.kernel.money import Money

# The rest should open when it is due; so much later somebody is told.
_LATE = timedelta(seconds=15)
_FACTS = text("""
WITH claimed AS (
    SELECT v.resident_id, v.device_id, v.address_prefix, v.occurred_at, r.occurred_at AS since
    FROM voucher v JOIN resident r ON r.id = v.resident_id WHERE v.offer_id = :offer
)
SELECT
    (SELECT count(*) FROM claimed) AS claims,
    (SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM claimed
     WHERE device_id IS NOT NULL GROUP BY device_id) d) AS device,
    (SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM claimed
     WHERE address_prefix IS NOT NULL GROUP BY address_prefix) d) AS network,
    (SELECT count(*) FROM claimed
     WHERE occurred_at - since < make_interval(mins => :new_minutes)) AS new,
    (SELECT count(*) FROM redemption_refusal f JOIN voucher v ON v.id = f.voucher_id
     WHERE v.offer_id = :offer AND f.occurred_at >= :since) AS refused,
    spent.vouchers AS spent, spent.orders, spent.ordered, spent.discounted
FROM (SELECT count(*) AS orders, count(DISTINCT voucher_id) AS vouchers,
    coalesce(sum(order_amount_fen), 0)::bigint AS ordered,
    coalesce(sum(discount_fen), 0)::bigint AS discounted
    FROM redemption WHERE offer_id = :offer AND status IN ('frozen', 'committed')) spent
""")
_log = structlog.get_logger(__name__)


def look(core: Core) -> int:
    """Judge every canary that is under way; how many there are.

    What can't be judged stays shut, with an alarm.
    """
    found = judging.looked_at(core)
    for canary, offer in found:
        _look(core, canary, offer)
    return len(found)


def facts(session: Session, offer: Offer, since: datetime, new_minutes: int) -> Facts:
    """What was seen of an offer; refusals since an instant."""
    row: Any = session.execute(
        _FACTS, {"offer": offer.id, "since": since, "new_minutes": new_minutes}
    ).one()
    return Facts(
        claims=row.claims,
        device=row.device,
        network=row.network,
        new=row.new,
        spent=row.spent,
        orders=row.orders,
        ordered=Money(row.ordered),
        discounted=Money(row.discounted),
        refused=row.refused,
    )


def _look(core: Core, canary: Canary, offer: Offer) -> None:
    rules, due, since = core.settings.canary, canary.due_at(), canary.started_at
    assert since is not None and due is not None, "only what has begun is judged"
    try:
        with core.transaction() as session:
            now = core.now(session)
            seen = facts(session, offer, since, rules.new_minutes)
        findings = judge(offer, seen, rules)
        if findings:
            reason = said(findings)
            judging.fail(core, canary=canary, offer=offer, findings=findings, reason=reason)
        elif now >= due and seen.claims:
            judging.pass_(core, canary=canary)
        if now >= due + _LATE:
            why = "judged late" if seen.claims else "no claims"
            judging.late(core, canary=canary, offer=offer, why=why)
    except OvertakenByAnother:
        _log.info("canary_judged_already", offer=str(offer.id))
    except Exception as error:  # noqa: BLE001 - the others must be judged all the same
        _log.error("canary_not_judged", offer=str(offer.id), error=type(error).__name__)
        judging.late(core, canary=canary, offer=offer, why="not judged")


def said(findings: tuple[Finding, ...]) -> str:
    """What looked wrong, as the reason of a stop."""
    return "；".join(gettext(SIGNALS[one.signal], DEFAULT) for one in findings)
