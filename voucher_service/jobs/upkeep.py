"""Rows that are kept for a time only, deleted when it is over."""

from __future__ import annotations

from sqlalchemy import text

from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.lotteries import service as lotteries
from voucher_service.merchants import service as merchants
from voucher_service.notices import service as notices
from voucher_service.reconciliation.differences import uploading
from voucher_service.tills import service as tills
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.revisions import service as revisions
from voucher_service.webhooks import service as webhooks

_BATCH = 10_000


def forget(core: Core) -> int:
    """Delete one batch of what is too old; how many rows. Call until it answers 0."""
    return (
        identity.forget_expired(core)
        + _forget_refusals(core)
        + applications.forget(core)
        + lotteries.forget(core)
        + merchants.forget_documents(core)
        + notices.forget(core)
        + revisions.forget_trials(core)
        + tills.forget(core)
        + uploading.sweep(core)
        + webhooks.forget(core)
    )


def _forget_refusals(core: Core) -> int:
    """Refused claims are kept 90 days, as the control group of the causal estimate."""
    with core.transaction() as session:
        gone = session.execute(
            text(
                "WITH old AS (SELECT id FROM claim_refusal"
                " WHERE occurred_at < clock_timestamp() - interval '90 days' LIMIT :most),"
                " gone AS (DELETE FROM claim_refusal WHERE id IN (SELECT id FROM old) RETURNING 1)"
                " SELECT count(*) FROM gone"
            ),
            {"most": _BATCH},
        )
        return int(gone.scalar_one())
