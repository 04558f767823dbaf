"""A crash at every step of a batch, before and after each commit: then exactly once to the bank."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from tests.settlement.offices import Office, yuan
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import ApprovalId
from voucher_service.settlement import bank_file
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.settlement.lifecycles import BatchStatus
from voucher_service.settlement.model import Batch, Form

T = TypeVar("T")


class Crash(Exception):
    """The process is gone."""


@dataclass
class Fuse:
    """Burns in the transaction of a number, before or after its commit."""

    after: bool
    left: int = 0


@dataclass(frozen=True)
class Crashing(Core):
    """A core that crashes."""

    fuse: Fuse = field(default_factory=lambda: Fuse(after=False))

    def transaction(self) -> AbstractContextManager[Session]:
        """As ever, with a fuse."""
        return self._burning(super().transaction())

    @contextmanager
    def _burning(self, inner: AbstractContextManager[Session]) -> Iterator[Session]:
        self.fuse.left -= 1
        burns = self.fuse.left == 0
        with inner as session:
            yield session
            if burns and not self.fuse.after:
                raise Crash
        if burns:
            raise Crash


def _survive(core: Crashing, command: Callable[[Core], T]) -> T:
    """Crash in its first transaction, in its second, and so on, until it gets through."""
    for number in count(1):
        core.fuse.left = number
        try:
            return command(core)
        except Crash:
            continue
    raise AssertionError


@pytest.mark.parametrize("after", [False, True])
def test_a_batch_survives_a_crash_at_every_step(office: Office, after: bool) -> None:
    good, bad = office.till(), office.till()
    office.spend(good)
    office.spend(bad, 2)
    office.next_day()
    plain = office.world.core
    crashing = Crashing(plain.settings, plain.clock, Fuse(after=after))
    core = with_clock(crashing, plain.clock)
    core.__dict__["engine"] = plain.engine
    assert isinstance(core, Crashing)
    batch = _survive(core, lambda it: settlement.draft(it, actor=SYSTEM, day=office.yesterday))
    assert (batch.lines, batch.total) == (2, yuan(60))
    plain.clock.set(batch.statement_until or office.world.now())
    _review(core, office, batch)
    asked = office.look(batch.id).approval_id
    assert asked is not None
    office.world.approve(ApprovalId(asked))
    sent = _survive(core, lambda it: settlement.send(it, actor=office.payer, batch=batch.id))
    answers = office.answers(sent, lambda one: BOUNCED if one.amount == yuan(40) else PAID)
    content = bank_file.write_answers(Form.CSV, sent.number, answers)
    _survive(core, lambda it: settlement.take_return(it, actor=office.payer, content=content))
    settlement.settle_due(plain)
    done = office.look(batch.id)
    assert (done.status, done.paid_amount) == (BatchStatus.CLOSED, yuan(20))
    assert office.clean() == []


def _review(core: Crashing, office: Office, batch: Batch) -> None:
    """Reviewed once: after a crash behind the commit it is reviewed already."""

    def command(it: Core) -> None:
        if office.look(batch.id).status is BatchStatus.DRAFTED:
            settlement.review(it, actor=office.reviewer, batch=batch.id)

    _survive(core, command)
