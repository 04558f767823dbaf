"""What is too often on this face, said as a refusal."""

from __future__ import annotations

from voucher_service.identity.model import TooManyRequests
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.web.evidence import evidence
from voucher_service.web.limits import limits_of
from voucher_service.web.site import core


def not_too_often(core: Core, actor: Actor) -> None:
    """Count a claim, an entry or a look at a ticket. Raises TooManyRequests."""
    where = actor.evidence
    seconds = limits_of(core).check(actor.id, where.device_id, where.address_prefix)
    if seconds is not None:
        raise TooManyRequests(retry_after_seconds=seconds)


def not_too_many_codes() -> None:
    """Count a one-time code. Raises TooManyRequests."""
    where = evidence()
    seconds = limits_of(core()).check_codes(where.device_id, where.address_prefix)
    if seconds is not None:
        raise TooManyRequests(retry_after_seconds=seconds)
