"""How long a gate of 100,000 slots takes to fill and to look at, and how large a claim is in it."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from tests.make import World
from voucher_service.allocation import service as allocation
from voucher_service.allocation.filling import Filling
from voucher_service.allocation.gate import Gate
from voucher_service.allocation.model import Ask, Pool, Verdict
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import OfferId, ResidentId, new_id
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.service.drift import examine
from voucher_service.vouchers.tables import VoucherRow

SLOTS = 100_000
EACH = 100
CLAIMS = 100_000
BATCH = 250


def fill(core: Core, offer: OfferId) -> float:
    """Raise the epoch, load, switch; seconds."""
    began, filling = time.monotonic(), Filling(core, offer)
    with core.transaction() as session:
        campaigns.raise_epoch(session, offer)
        pool = allocation.pool_of(campaigns.offer(session, offer=offer))
        filling.load(session, pool=pool, rows=VoucherRow)
    assert filling.activate(pool)
    return time.monotonic() - began


def test_a_hundred_thousand_held_slots_are_filled_within_seconds(
    core: Core, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    offer = world.offer(world.plan(quota=SLOTS, limit=EACH, face=1, threshold=10))
    residents = [one.id for one in world.residents(SLOTS // EACH)]
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '1min'"))
        session.execute(
            text(
                "INSERT INTO voucher (id, offer_id, release_id, release_quota, slot, resident_id,"
                " ordinal, generation, epoch, holds_slot, claim_key_hash, occurred_at,"
                " face_value_fen, spent_fen, status, valid_from, valid_until, code_ref)"
                " SELECT gen_random_uuid(), :offer, :release, :quota, n,"
                " (CAST(:residents AS uuid[]))[(n - 1) / :each + 1], (n - 1) % :each + 1, 1, 1,"
                " true, sha256(CAST(CAST(n AS text) AS bytea)), clock_timestamp(), 100, 0,"
                " 'claimed', clock_timestamp(), clock_timestamp() + interval '7 days', :first + n"
                " FROM generate_series(1, :held) AS n"
            ),
            {
                "offer": offer.id,
                "release": offer.releases[0].id,
                "quota": SLOTS,
                "residents": residents,
                "each": EACH,
                "first": SLOTS * 10,
                "held": SLOTS,
            },
        )
    filled = min(fill(core, offer.id) for _ in range(2))
    began = time.monotonic()
    (found,) = examine(core, offers=[world.reload(offer.id)])
    looked = time.monotonic() - began
    assert found.look is not None
    assert (found.look.free_in_gate, found.look.suspects) == (0, frozenset())
    with capsys.disabled():
        print(f"\n{SLOTS:,} slots held: filled {filled:.2f} s, looked {looked:.2f} s")  # noqa: T201 - figures
    assert filled <= 6, "two seconds on a machine that does nothing else"


def test_a_claim_costs_the_gate_few_bytes_and_a_refusal_none(
    core: Core, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    offer = world.offer(world.plan(quota=CLAIMS, face=1, threshold=10))
    vouchers.prepare_gate(core, offer=offer.id, refill=False)
    pool = allocation.pool_of(world.reload(offer.id))

    def used() -> int:
        return int(core.gate.info("memory")["used_memory"])

    before = used()
    claim(core, pool, CLAIMS, Verdict.SEAT)
    held = used()
    claim(core, pool, CLAIMS // 2, Verdict.SOLD_OUT)
    refused = (used() - held) / (CLAIMS / 2)
    whole = core.gate.memory_usage(f"gate:{{{offer.id.hex}}}:who", samples=0)
    each, key = (held - before) / CLAIMS, int(whole or 0) / CLAIMS
    with capsys.disabled():
        print(  # noqa: T201 - figures
            f"\n{CLAIMS:,} claims: the gate grew by {each:.1f} bytes each, of which who"
            f" {key:.1f}; a refusal cost {refused:.2f}"
        )
    assert max(each, key) <= 120
    assert refused <= 1


def claim(core: Core, pool: Pool, count: int, verdict: Verdict) -> None:
    """So many residents ask, in batches; who gets a seat holds it."""
    gate = Gate(core, pool.offer)
    for _ in range(0, count, BATCH):
        asks = [Ask(ResidentId(new_id()), secrets.token_bytes(32)) for _ in range(BATCH)]
        answers = gate.admit(pool, asks, datetime.now(UTC))
        assert {one.verdict for one in answers} == {verdict}
        told = [
            (one.seat, ask.key_hash) for one, ask in zip(answers, asks, strict=True) if one.seat
        ]
        assert gate.settle(pool, told)
