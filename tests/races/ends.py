"""Commit against cancel against expiry, over and over: each freeze ends once.

    python -m tests.races.ends --races 10000

Each race freezes a voucher that runs out within a few milliseconds, lets the three go at the same
moment, and asks who won: every answer must fit the end that stands in the books. What was committed
is reversed, so that a few vouchers are enough. At the end the books are verified.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import uuid4

import click
from sqlalchemy import text

from tests.conftest import TEMPLATE, fresh_database, settings_on
from tests.make import World
from voucher_service import migrate
from voucher_service.infra.core import Core, build
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Status
from voucher_service.redemption.service.lapsing import lapse
from voucher_service.reports import verification
from voucher_service.vouchers import code as codes
from voucher_service.vouchers.model import Voucher

LANES = 2
_FIRST_WITHIN_SECONDS = 0.02
_EXPIRES = text(
    "UPDATE redemption SET freeze_expires_at = clock_timestamp() + make_interval(secs => :seconds)"
    " WHERE id = :id"
)
_GIVES_UP_SECONDS = 2.0


@dataclass
class Lane:
    """A till with a voucher of its own, racing again and again."""

    core: Core
    till: Actor
    voucher: Voucher
    random: Random
    within_seconds: float = _FIRST_WITHIN_SECONDS

    def run(self, races: int) -> Counter[Status]:
        """How many races ended how. Raises AssertionError when an answer does not fit its end."""
        ends: Counter[Status] = Counter()
        with ThreadPoolExecutor(3) as contenders:
            for _ in range(races):
                end = self._race(contenders)
                ends[end] += 1
                # A slow machine gives more time, so that no contender always comes too late.
                self.within_seconds *= 1.15 if end is Status.LAPSED else 0.95
        return ends

    def _race(self, contenders: ThreadPoolExecutor) -> Status:
        order = Order(Money(12_800), uuid4().hex)
        code = self._code()
        held = redemption.freeze(
            self.core, actor=self.till, code=code, order=order, key=uuid4().hex
        ).value
        with self.core.transaction() as session:
            seconds = self.random.uniform(0.2, 1) * self.within_seconds
            session.execute(_EXPIRES, {"id": held.id, "seconds": seconds})
        barrier = threading.Barrier(3)
        runs = [
            contenders.submit(self._at_once, barrier, act, held.id)
            for act in (self._commit, self._cancel, self._expire)
        ]
        told = [one.result() for one in runs]
        end = redemption.get(self.core, actor=self.till, redemption=held.id).status
        fits = {
            Status.COMMITTED: ["committed", "already_committed", ""],
            Status.CANCELLED: ["redemption_over", "cancelled", ""],
            # Whichever of them finds that the time is over ends the freeze.
            Status.LAPSED: ["freeze_lapsed", "lapsed", told[2]],
        }
        assert told == fits[end], (end, told)
        if end is Status.COMMITTED:
            redemption.reverse(
                self.core,
                actor=self.till,
                reference=order.reference,
                reason="race",
                key=uuid4().hex,
            )
        return end

    def _at_once(
        self, barrier: threading.Barrier, act: Callable[[RedemptionId], str], id: RedemptionId
    ) -> str:
        pause = self.random.uniform(0, self.within_seconds / 4)
        barrier.wait()
        time.sleep(pause)
        try:
            return act(id)
        except DomainError as refusal:
            return refusal.code

    def _commit(self, id: RedemptionId) -> str:
        done = redemption.commit(self.core, actor=self.till, redemption=id, key=uuid4().hex)
        return str(done.value.status)

    def _cancel(self, id: RedemptionId) -> str:
        done = redemption.cancel(self.core, actor=self.till, redemption=id, key=uuid4().hex)
        return str(done.value.status)

    def _expire(self, id: RedemptionId) -> str:
        until = time.monotonic() + _GIVES_UP_SECONDS
        while time.monotonic() < until:
            with self.core.transaction() as session:
                if lapse(self.core, session, id, self.core.now(session)):
                    return "lapsed"
            found = redemption.get(self.core, actor=self.till, redemption=id)
            if found.status is not Status.FROZEN:
                return ""
        return "gave up"

    def _code(self) -> str:
        seconds = self.core.settings.till.code_window_seconds
        window = codes.window_of(self._now(), seconds)
        return codes.make(
            self.core.keyring,
            code_ref=self.voucher.code_ref,
            window=window,
            window_seconds=seconds,
        ).text

    def _now(self):  # type: ignore[no-untyped-def]
        with self.core.transaction() as session:
            return self.core.now(session)


def race(world: World, races: int, seed: int) -> Counter[Status]:
    """So many races in a few lanes; how they ended."""
    offer = world.offer(world.plan(quota=LANES))
    lanes = [
        Lane(world.core, world.cashier(), world.claim(offer), Random(seed + number))
        for number in range(LANES)
    ]
    with ThreadPoolExecutor(LANES) as pool:
        ended = pool.map(lambda lane: lane.run(races // LANES), lanes)
    return sum(ended, Counter())


@click.command()
@click.option("--races", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(races: int, seed: int) -> None:
    """Race, print the shares, verify the books."""
    with TemporaryDirectory() as folder:
        servers = Servers(Path(folder), durable=False)
        servers.start()
        try:
            migrate.upgrade(servers.url("postgres", postgres.OWNER))
            with fresh_database(servers) as url:
                settings = settings_on(servers, url, Path(folder, "sms.jsonl"))
                wide = replace(settings.database, pool_size=LANES * 4 + 2)
                core = build(replace(settings, database=wide))
                began = time.monotonic()
                ended = race(World(core), races, seed)
                breaches = verification.verify(core).breaches
                core.close()
        finally:
            servers.stop()
    total = sum(ended.values())
    for status, count in sorted(ended.items()):
        click.echo(f"{status:10} {count:6} {count / total:6.1%}")
    click.echo(f"{total} races in {time.monotonic() - began:.0f} s on {TEMPLATE}, seed {seed}")
    for breach in breaches:
        click.echo(f"breach: {breach.invariant}: {breach.detail}")
    if breaches or len(ended) < 3 or min(ended.values()) < total * 0.05:
        sys.exit("a breach, or a contender that won too seldom")


if __name__ == "__main__":
    main()
