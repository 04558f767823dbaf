"""Where a history takes place: one offer with few slots, drawn by its seed."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from random import Random
from uuid import UUID

from voucher_service.campaigns.model import Mode, Offer, OfferKind, OfferStatus, Release
from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId, ReleaseId
from voucher_service.kernel.money import Money

from .books import BEGAN, Books
from .gate import GateServer
from .protections import Protections
from .rows import Row
from .stand import Stand


def built(random: Random, keeps: Protections) -> Stand:
    """A gate that is empty, books with one published offer, and their clock."""
    offer = _offer(random)
    positions = {one.id: position for position, one in enumerate(offer.releases, 1)}

    def now_ms() -> int:
        return stand.now_ms

    def entry(row: Row) -> str:
        return entry_of(row, positions[ReleaseId(row.release)])

    gate = GateServer(now_ms, keeps.idempotent_script)
    stand = Stand(random, gate, Books(offer, keeps, now_ms, entry))
    return stand


def entry_of(row: Row, position: int) -> str:
    """A holder as PostgreSQL spells it for the gate."""
    resident, key = b64encode(row.resident.bytes)[:22], b64encode(row.key_hash[:9])
    seat = f"{position}.{row.slot}.{row.generation}"
    return f"{resident.decode()}{row.ordinal} {key.decode()}{seat}"


def _offer(random: Random) -> Offer:
    opens, closes = BEGAN - timedelta(days=1), BEGAN + timedelta(days=30)
    quotas = random.choice(((1,), (2,), (3,), (4,), (6,), (1, 2), (3, 3)))
    releases = tuple(
        Release(ReleaseId(UUID(int=900 + i)), opens, closes, quota)
        for i, quota in enumerate(quotas)
    )
    pieces = 4 if len(quotas) == 1 else 1  # a pack, where there is one release
    return Offer(
        id=OfferId(UUID(int=800)),
        campaign_id=CampaignId(UUID(int=700)),
        campaign_name="",
        programme_id=ProgrammeId(UUID(int=600)),
        brand="",
        issuing_area="",
        slug="",
        title="",
        kind=OfferKind.PACK if pieces > 1 else OfferKind.THRESHOLD,
        face_value=Money.of_yuan(20),
        threshold=Money.of_yuan(100),
        quota=sum(quotas),
        per_resident_limit=random.choice((1, 1, 2)),
        valid_days=7,
        areas=(),
        trades=(),
        lapse_returns=True,
        waiting_room=False,
        proof_of_work=False,
        status=OfferStatus.OPEN,
        epoch=0,
        mode=Mode.GATE,
        gate_run_id="",
        releases=releases,
        pieces=pieces,
    )
