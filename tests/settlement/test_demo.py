"""The demonstration of settlement: both batches stand, a second start adds none."""

from __future__ import annotations

from tests.make import World
from tests.services.giving_back import clean
from voucher_service import demo
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.ids import new_id
from voucher_service.settlement import service as settlement


def test_one_batch_was_paid_but_for_a_line_and_one_waits_for_its_signature(core: Core) -> None:
    demo.load(core)
    demo.load(core)
    reader = Actor(ActorKind.STAFF, new_id(), frozenset({Role.AUDITOR}))
    page = settlement.batches(core, actor=reader, cursor=None, limit=10)
    waiting, paid = page.items
    assert (str(waiting.status), str(paid.status)) == ("reviewed", "closed")
    assert (paid.paid, paid.bounced, waiting.payments) == (2, 1, 1)
    assert "demo-settlement" not in {one.slug for one in campaigns.open_offers(core)}
    assert clean(World(core).core) == []
