"""The walk: operations by a seeded choice, some of which die, judged by sums of its own."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from voucher_service.allocation import upkeep
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval, Status
from voucher_service.budgets import service as budgets
from voucher_service.infra.core import Core, with_clock
from voucher_service.jobs import schedule
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ApprovalId
from voucher_service.reports.verification import verify
from voucher_service.vouchers import service as vouchers

from . import choices
from .city import START, City
from .crashes import AnswerLostError, Crash, Crashes, in_a_process
from .steps import Asked, Held, Running, Step
from .sums import Delta, Differs, busy, difference, news, of, same, stands

T = TypeVar("T")
_TRIES = 100
_REAPED_AFTER = timedelta(minutes=1)
# Refusals that say, after a crash, that the first try was made.
MADE = frozenset({"already_decided", "already_proposed", "campaign_not_draft"})
_LOOK_EVERY = 500
_VERIFY_EVERY = 20_000
_LONGEST_LIFE_SECONDS = 0.03


@dataclass
class Report:
    """What was done, refused and killed, and how the killed ended."""

    operations: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    verified: int = 0
    seconds: float = 0.0


class Walk:
    """One walk through one city."""

    def __init__(
        self,
        core: Core,
        city: City,
        seed: int,
        *,
        crash_rate: float = 0.02,
        disaster: bool = False,
    ) -> None:
        self.random = Random(seed)
        self.city, self.seed = city, seed
        self.now: datetime = START
        self.books = Delta()
        self.appropriated = 0
        self.funds: list[UUID] = []
        self.campaigns: list[Running] = []
        self.asked: list[Asked] = []
        self.held: dict[UUID, Held] = {}
        self.numbers = itertools.count(1)
        self.report = Report()
        self.looked: Callable[[Report], None] = lambda _: None
        self._crash_rate, self._disaster = crash_rate, disaster
        self._base = core
        self._return = upkeep.Return(vouchers.GATED)
        self._reader = self._connected()
        self._last, self.books = news(self._reader, 0)
        self._killer = self._connected()
        self._crashes = Crashes(core.engine, self._kill, self.random)

    @property
    def core(self) -> Core:
        """The services' core, on the walk's clock."""
        return with_clock(self._base, Clock(self.now))

    def key(self) -> str:
        """A fresh idempotency key."""
        return f"walk-{self.seed}-{next(self.numbers)}"

    def run(self, operations: int) -> Report:
        """Walk until so many operations are done; raises Differs at the first fen that is wrong."""
        began = time.monotonic()
        look, check = _LOOK_EVERY, _VERIFY_EVERY
        while (done := self.report.operations.total()) < operations:
            step = self.patiently(partial(choices.choose, self))
            if step is not None:
                self._do(step)
            if done >= look:
                self.patiently(self._look)
                look += _LOOK_EVERY
            if done >= check:
                self.patiently(self._verify)
                check += _VERIFY_EVERY
        self.patiently(self._look)
        self.patiently(self._verify)
        self.report.seconds = time.monotonic() - began
        return self.report

    def close(self) -> None:
        """Let everything live, and give the connections back."""
        self._crashes.close()
        self._reader.close()
        self._killer.close()

    # One operation.

    def _do(self, step: Step) -> None:
        self.report.operations[step.name] += step.weight
        crash = None
        if self.random.random() < self._crash_rate:
            crash = self.random.choice(list(Crash))
            self.report.crashes[crash] += 1
        answered, answer = self._tried(step, crash)
        first = Delta()
        if not answered:
            self._quiet()
            first = self._fresh()
            answer = self._asked_again(step)
        rest = self._fresh()
        if step.sweeps and first and rest:
            self._take(step, None, first)
            first = Delta()
        if step.batch and first and rest:
            rest.update(first)
            first = Delta()
        seen = rest or first
        if not answered:
            self._judge_ending(step, first, rest)
        if isinstance(answer, DomainError):
            self.report.refusals[answer.code] += 1
            if rest:
                raise Differs(f"{step.name} was refused ({answer.code}) and moved {dict(rest)}")
            if not first and (answered or answer.code not in MADE):
                return
            answer = None
        self._take(step, answer, seen)

    def _take(self, step: Step, answer: Any, seen: Delta) -> None:
        """Into the walk's own books, if it is what it must be."""
        due = step.effect(answer, seen)
        if not same(due, seen):
            raise Differs(f"{step.name}: due {dict(due)}, the ledger shows {dict(seen)}")
        self.books.update(seen)

    def _tried(self, step: Step, crash: Crash | None) -> tuple[bool, Any]:
        """Whether there was an answer, and what; a refusal is one, an outcome unknown is none."""
        try:
            if crash is Crash.PROCESS_KILLED:
                life = self.random.random() * _LONGEST_LIFE_SECONDS
                return in_a_process(self.core, step.act, life)
            if crash is None:
                return True, step.act(self.core)
            with self._crashes.armed(crash):
                return True, step.act(self.core)
        except AnswerLostError:
            return False, None
        except DomainError as error:
            return (not error.retryable), error
        except (psycopg.Error, SQLAlchemyError, RedisError):  # a server died in the middle
            if crash is None and not self._disaster:
                raise
            return False, None

    def _asked_again(self, step: Step) -> Any:
        """The client's way: the same request, until there is an answer."""
        for _ in range(_TRIES):
            answered, answer = self._tried(step, None)
            if answered:
                return answer
            self.keep_up()
            time.sleep(0.1)
        raise Differs(f"{step.name} found no answer in {_TRIES} tries: {answer!r}")

    def keep_up(self) -> None:
        """What schedule and worker do for seats that died half-way, lapses, and killed gates."""
        later = with_clock(self._base, Clock(self.now + _REAPED_AFTER))
        with suppress(DomainError):
            schedule.settle_pending(later)
            upkeep.refill_stale(later, vouchers.GATED)
            self._return(later)
            for one in self.campaigns:
                for offer in one.offers.values() if one.status == "running" else ():
                    vouchers.prepare_gate(self.core, offer=offer.id, refill=True)

    def _judge_ending(self, step: Step, first: Delta, rest: Delta) -> None:
        """What the crash left must be nothing, or all that the operation is."""
        if first and rest:
            raise Differs(f"{step.name} was left half done: {dict(first)}, then {dict(rest)}")
        ending = "all was done" if first else "nothing was done" if rest else "no money in it"
        self.report.endings[ending] += 1

    # The judge.

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(self._base.settings.database.url, autocommit=True)

    def _fresh(self) -> Delta:
        """What the entries written since the last time add up to."""
        self._last, found = self._read(lambda connection: news(connection, self._last))
        return found

    def _quiet(self) -> None:
        """Wait for the last statement of whoever was killed: nobody hears its outcome."""
        while self._read(busy):
            time.sleep(0.002)

    def _read(self, ask: Callable[[psycopg.Connection], T]) -> T:
        """What the judge reads; a server may be killed under it."""
        while True:
            self._reader = self._alive(self._reader)
            with suppress(psycopg.OperationalError):
                return ask(self._reader)

    def _kill(self, backend: int) -> None:
        self._killer = self._alive(self._killer)
        self._killer.execute("SELECT pg_terminate_backend(%s, 2000)", [backend])

    def _alive(self, connection: psycopg.Connection) -> psycopg.Connection:
        """The same connection, or a new one where a server was killed under it."""
        for _ in range(_TRIES):
            try:
                connection.execute("SELECT 1")
            except psycopg.OperationalError:
                connection.close()
                time.sleep(0.2)
                with suppress(psycopg.OperationalError):
                    connection = self._connected()
            else:
                return connection
        raise Differs("PostgreSQL did not come back")

    def _look(self) -> None:
        """All books against the ledger, the vouchers, and what the budgets' page says."""
        shown = self._read(stands)
        if not same(shown, self.books):
            raise Differs(f"the ledger differs: {difference(shown, self.books)}")
        if sum(self.books.values()) != self.appropriated:
            raise Differs(f"{self.appropriated} appropriated, {sum(self.books.values())} stand")
        live = sum(one.fen for one in self.held.values())
        if live != of(self.books, "pool", "outstanding"):
            raise Differs(f"vouchers are worth {live}, outstanding is another sum")
        core, planner = self.core, self.city.world.planner
        for id in self.funds:
            total = budgets.fund_standing(core, actor=planner, fund=id).total  # type: ignore[arg-type]
            if total.given != total.placed:
                raise Differs(f"fund {id}: given {total.given}, placed {total.placed}")
        mine = budgets.funds_standing(core, actor=planner)
        returned = sum(mine[id].returned.fen for id in mine if id in set(self.funds))
        if returned != of(self.books, "fund", "returned"):
            raise Differs("the page says that another sum went home")
        self.report.looks += 1
        self.looked(self.report)

    def _verify(self) -> None:
        found = verify(self.core).breaches
        if found:
            raise Differs(f"voucher verify: {found[:5]}")
        self.report.verified += 1

    # What choices need.

    def patiently(self, read: Callable[[], T]) -> T:
        """Read until there is an answer: a server may be killed while the walk only looks."""
        for _ in range(_TRIES):
            try:
                return read()
            except DomainError as error:
                if not error.retryable:
                    raise
                time.sleep(0.1)
        raise Differs("the servers did not come back")

    def sign(self, core: Core, approval: ApprovalId) -> Approval:
        """Sign as often as it takes; who signed before is passed over."""
        found = approvals.get(core, actor=self.city.signers[0], approval=approval)
        for signer in self.city.signers:
            if found.status is Status.WAITING and found.may_sign(signer):
                found = approvals.approve(core, actor=signer, approval=approval)
        return found

    def later(self, hours: int) -> None:
        """Time goes by."""
        self.now += timedelta(hours=hours)
