"""What a claim reads and writes, one touch each; `flow` decides when and why."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.allocation.model import Pool, Seat
from voucher_service.audit import service as audit
from voucher_service.campaigns.model import Offer, max_liability
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.ids import OfferId, ResidentId, VoucherId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Leg, Stage, move, pool

from .. import refusals, store
from ..model import Status, Voucher
from ..tables import VoucherRow
from .request import Request


def note(core: Core, offer: Offer, refused: Sequence[tuple[Request, str]], at: datetime) -> None:
    """Keep refused claims, with the code of the refusal; never waits, never fails."""
    kept = [refusals.Refusal(one.resident, code, one.actor.evidence) for one, code in refused]
    refusals.note(core, offer, kept, at)


def by_id(session: Session, ids: Collection[UUID]) -> dict[UUID, Voucher]:
    """Those of these vouchers that stand."""
    return {one.id: one for one in store.vouchers(session, VoucherRow.id.in_(ids))}


def holding(session: Session, offer: OfferId, residents: Sequence[ResidentId]) -> list[Voucher]:
    """What these residents hold of an offer."""
    return store.vouchers(
        session,
        VoucherRow.offer_id == offer,
        VoucherRow.resident_id.in_(residents),
        VoucherRow.holds_slot,
    )


def claimed(offer: Offer, count: int) -> tuple[Leg, Leg]:
    """What so many new vouchers move in the offer's pool."""
    reserved, outstanding = pool(offer.id, Stage.RESERVED), pool(offer.id, Stage.OUTSTANDING)
    return move(max_liability(offer) * count, reserved, outstanding)


def undone(offer: Offer, count: int) -> tuple[Leg, Leg]:
    """What moves back when so many of them lapse unspent."""
    return lapsed(offer, max_liability(offer) * count)


def lapsed(offer: Offer, left: Money) -> tuple[Leg, Leg]:
    """What moves back when vouchers lapse of which so much is left together."""
    return move(left, pool(offer.id, Stage.OUTSTANDING), pool(offer.id, Stage.RESERVED))


def post(
    session: Session, offer: Offer, new: set[UUID], requests: Sequence[Request], at: datetime
) -> None:
    """One ledger transfer and one audit event for the vouchers that are new."""
    batch = new_id()
    ledger.post(
        session,
        code=Code.CLAIMED,
        key=str(batch),
        legs=claimed(offer, len(new)),
        now=at,
    )
    actors = {request.actor for request in requests}
    written = sorted(str(one) for one in new)
    audit.record(
        session,
        actor=actors.pop() if len(actors) == 1 else Actor(ActorKind.RESIDENT, None),
        action="voucher.claimed",
        object_type="voucher",
        object_id=written[0] if len(written) == 1 else str(batch),
        now=at,
        to_status=str(Status.CLAIMED),
        detail={
            "offer": str(offer.id),
            "ids": written,
            "sha256": hashlib.sha256("".join(written).encode()).hexdigest(),
        },
    )


def values(
    offer: Offer,
    pool_: Pool,
    seated: dict[int, tuple[Request, Seat]],
    ids: dict[int, VoucherId],
    at: datetime,
) -> dict[str, Any]:
    """A batch as `store.insert` takes it: one array a column."""
    seats = [seat for _, seat in seated.values()]
    evidence = [request.actor.evidence for request, _ in seated.values()]
    return {
        "offer": offer.id,
        "epoch": pool_.epoch,
        "now": at,
        "face": max_liability(offer).fen,
        "until": offer.valid_until(at),
        "ids": list(ids.values()),
        "releases": [seat.window.release for seat in seats],
        "quotas": [seat.window.quota for seat in seats],
        "slots": [seat.slot for seat in seats],
        "residents": [seat.resident for seat in seats],
        "ordinals": [seat.ordinal for seat in seats],
        "generations": [seat.generation for seat in seats],
        "key_hashes": [request.ask.key_hash for request, _ in seated.values()],
        "code_refs": [store.code_ref(one) for one in ids.values()],
        "addresses": [one.address_prefix for one in evidence],
        "devices": [one.device_id for one in evidence],
        "agents": [one.agent_hash for one in evidence],
    }


def view(offer: Offer, id: VoucherId, seat: Seat, at: datetime) -> Voucher:
    """The voucher of a row that was just inserted, without reading it."""
    return Voucher(
        id,
        seat.resident,
        offer,
        Status.CLAIMED,
        max_liability(offer),
        ZERO,
        at,
        at,
        offer.valid_until(at),
        store.code_ref(id),
    )
