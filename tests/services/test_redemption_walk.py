"""Random walks at the till against a model in memory: each order ends once, and the books agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.make import World
from tests.services.test_redemption import _fresh_code
from voucher_service.campaigns.model import IN_PARTS, Offer, OfferKind, max_liability
from voucher_service.infra.core import with_clock
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, pool
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Redemption, Status
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher

KINDS = {
    OfferKind.THRESHOLD: {},
    OfferKind.PERCENT_CAPPED: {"rate_bps": 1_500},
    OfferKind.PACK: {"pieces": 3},
    OfferKind.BALANCE: {"threshold": Money(1)},
}
QUOTA = 1_000
STEPS = settings(
    max_examples=8,
    stateful_step_count=20,
    phases=[Phase.generate],  # shrinking would take longer than reading the steps
)


@dataclass
class Ours:
    """A voucher as the model sees it: what each of its orders that count took, and whole ones."""

    voucher: Voucher
    taken: dict[str, int] = field(default_factory=dict)
    held: Redemption | None = None

    @property
    def spent(self) -> int:
        return sum(self.taken.values())

    @property
    def used_up(self) -> bool:
        in_parts = self.voucher.offer.kind in IN_PARTS
        return self.spent == self.voucher.face_value.fen if in_parts else bool(self.taken)


class Walk(RuleBasedStateMachine):
    """One till, one voucher of each kind, and a clock that runs ahead."""

    def __init__(self, world: World, offers: dict[OfferKind, Offer]) -> None:
        super().__init__()
        self.world = World.__new__(World)
        self.world.__dict__.update(world.__dict__)
        self.till = world.cashier()
        self.offers = offers
        self.before = self._stands()
        self.ours = {kind: Ours(world.claim(offer)) for kind, offer in offers.items()}
        self.clock = Clock(world.now())
        self.core = self.world.core = with_clock(world.core, self.clock)
        self.committed: list[tuple[Ours, Redemption]] = []

    def _told(self, act: Callable[..., Any], **what: object) -> Any:
        """What was answered, or the code of the refusal."""
        try:
            return act(self.core, actor=self.till, key=uuid4().hex, **what).value
        except DomainError as refusal:
            return refusal.code

    def _code(self, one: Ours) -> str:
        return _fresh_code(self.world, one.voucher.code_ref)

    @rule(kind=st.sampled_from(list(KINDS)), fen=st.integers(1_000, 30_000), freezes=st.booleans())
    def asks(self, kind: OfferKind, fen: int, freezes: bool) -> None:
        one = self.ours[kind]
        act = redemption.freeze if freezes else redemption.redeem
        order = Order(Money(fen), uuid4().hex)
        done = self._told(act, code=self._code(one), order=order)
        if isinstance(done, str):
            # A freeze that is over is ended by the attempt, whatever becomes of the attempt.
            assert one.used_up or one.held or done == "below_threshold", done
            return
        assert not one.used_up and (one.held is None or self._over(one))
        if freezes:
            one.held = done
        else:
            one.held = None
            one.taken[str(done.id)] = done.discount.fen
            self.committed.append((one, done))

    @precondition(lambda self: any(one.held for one in self.ours.values()))
    @rule(data=st.data(), commits=st.booleans())
    def ends(self, data: st.DataObject, commits: bool) -> None:
        one = data.draw(st.sampled_from([one for one in self.ours.values() if one.held]))
        held = one.held
        assert held is not None
        act = redemption.commit if commits else redemption.cancel
        over = self._over(one)
        one.held = None
        done = self._told(act, redemption=held.id)
        if isinstance(done, str):
            assert over and commits and done == "freeze_lapsed"
            return
        if over:
            assert done.status is Status.LAPSED
        elif commits:
            assert done.status is Status.COMMITTED
            one.taken[str(done.id)] = done.discount.fen
            self.committed.append((one, done))
        else:
            assert done.status is Status.CANCELLED

    @precondition(lambda self: bool(self.committed))
    @rule(data=st.data())
    def reverses(self, data: st.DataObject) -> None:
        one, done = data.draw(st.sampled_from(self.committed))
        undone = self._told(redemption.reverse, reference=done.order_reference, reason="walk")
        if isinstance(undone, str):
            assert undone == "reversal_too_late" and self.clock.at is not None
            minutes = self.core.settings.till.reversal_minutes
            assert self.clock.at > done.occurred_at + timedelta(minutes=minutes)
            return
        assert undone.status is Status.REVERSED
        one.taken.pop(str(done.id), None)

    @rule(seconds=st.sampled_from([1, 60, 130, 1_000]))
    def waits(self, seconds: int) -> None:
        assert self.clock.at is not None
        self.clock = Clock(self.clock.at + timedelta(seconds=seconds))
        self.world.core = self.core = with_clock(self.core, self.clock)

    @rule()
    def sweeps(self) -> None:
        redemption.lapse_due(self.core)

    def _over(self, one: Ours) -> bool:
        held, now = one.held, self.clock.at
        assert held and held.freeze_expires_at and now
        return held.freeze_expires_at <= now

    @invariant()
    def vouchers_are_as_the_model_says(self) -> None:
        for one in self.ours.values():
            owner = Actor(ActorKind.RESIDENT, one.voucher.resident_id)
            found = vouchers.get(self.core, actor=owner, voucher=one.voucher.id)
            assert found.spent.fen == one.spent
            if one.held is None or not self._over(one):
                frozen = "frozen" if one.held else "redeemed" if one.used_up else "claimed"
                assert found.status == frozen

    @invariant()
    def books_are_as_the_model_says(self) -> None:
        now = self._stands()
        for kind, one in self.ours.items():
            live = 0 if one.used_up else one.voucher.face_value.fen - one.spent
            frozen = now[kind, Stage.FROZEN] - self.before[kind, Stage.FROZEN]
            assert now[kind, Stage.OUTSTANDING] - self.before[kind, Stage.OUTSTANDING] == (
                live - frozen
            )
            assert now[kind, Stage.COMMITTED] - self.before[kind, Stage.COMMITTED] == one.spent
            left = max_liability(one.voucher.offer).fen
            reserved = now[kind, Stage.RESERVED] - self.before[kind, Stage.RESERVED]
            assert reserved == -left + (left - one.spent if one.used_up else 0)

    def _stands(self) -> dict[tuple[OfferKind, Stage], int]:
        stages = (Stage.RESERVED, Stage.OUTSTANDING, Stage.FROZEN, Stage.COMMITTED)
        wanted = {
            (kind, stage): pool(offer.id, stage)
            for kind, offer in self.offers.items()
            for stage in stages
        }
        with self.world.core.transaction() as session:
            found = ledger.balances(session, wanted.values())
        return {name: found[account].fen for name, account in wanted.items()}

    def teardown(self) -> None:
        """Let go of what is held, so that the next walk counts from a calm pool."""
        for one in self.ours.values():
            if one.held is not None:
                redemption.cancel(
                    self.core, actor=self.till, redemption=one.held.id, key=uuid4().hex
                )


def test_walks_at_the_till_end_as_the_model_says(world: World) -> None:
    offers = {
        kind: world.offer(
            replace(world.plan(quota=QUOTA, threshold=50), kind=kind, **terms)  # type: ignore[arg-type]
        )
        for kind, terms in KINDS.items()
    }
    run_state_machine_as_test(lambda: Walk(world, offers), settings=STEPS)
