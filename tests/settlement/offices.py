"""An office that settles: its people, a merchant with an account, a bank that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pytest
from sqlalchemy import Connection, create_engine

from tests.make import World
from tests.services.giving_back import clean
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import CashierId, MerchantId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.service import banking
from voucher_service.redemption.model import Redemption
from voucher_service.settlement import bank_file
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID, Answer
from voucher_service.settlement.lifecycles import PaymentStatus
from voucher_service.settlement.model import Batch, BatchId, BatchLine, Form, Payment, Taken
from voucher_service.settlement.standing import NothingDue

Verdict = Callable[[Payment], str]


@dataclass
class Office:
    """Three of finance, so that nobody does two things, on the day after the redemptions."""

    world: World
    owner_url: str
    reviewer: Actor = field(init=False)
    payer: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.reviewer = self.world.staff(Role.FINANCE)
        self.payer = self.world.staff(Role.FINANCE)

    @contextmanager
    def owner(self) -> Iterator[Connection]:
        """A connection of who owns the tables; nothing of it stays."""
        engine = create_engine(self.owner_url)
        with engine.connect() as connection:
            yield connection
            connection.rollback()
        engine.dispose()

    @property
    def yesterday(self) -> date:
        return day_of(self.world.now()) - timedelta(days=1)

    def next_day(self) -> None:
        """Noon of the next day."""
        clock = self.world.core.clock
        assert clock.at is not None
        clock.set(clock.at + timedelta(days=1))

    def till(self, number: str = "4417000012345678") -> Actor:
        """A till whose merchant has an account."""
        till = self.world.cashier()
        self.account(till, number)
        return till

    def account(self, till: Actor, number: str) -> None:
        """Another account, which counts at once."""
        core = self.world.core
        with core.transaction() as session:
            banking.enter_account(
                session,
                merchant=self.merchant(till),
                kind=AccountKind.CORPORATE,
                holder={"name": "阳江商户有限公司", "number": number},
                bank="中国银行阳江分行",
                cnaps="104589000012",
                requested_by=CashierId(till.id),  # type: ignore[arg-type]
                now=core.now(session),
            )

    def merchant(self, till: Actor) -> MerchantId:
        with self.world.core.transaction() as session:
            found = merchants.till(session, cashier=CashierId(till.id))  # type: ignore[arg-type]
        return found.merchant_id

    def manager(self, till: Actor) -> Actor:
        """The same person as the shop's manager."""
        return Actor(till.kind, till.id, frozenset({Role.MANAGER}), till.area)

    def spend(self, till: Actor, count: int = 1) -> list[Redemption]:
        """So many vouchers of 20 yuan spent here."""
        offer = self.world.offer(self.world.plan(quota=count))
        return [self.world.redeem(self.world.claim(offer), till).value for _ in range(count)]

    def draft(self, actor: Actor | None = None) -> Batch:
        return settlement.draft(self.world.core, actor=actor or SYSTEM, day=self.yesterday)

    def nothing_due(self) -> list[str]:
        """That a draft makes no batch: why what is due waits, "nothing" where nothing is due."""
        with pytest.raises(NothingDue) as refused:
            self.draft()
        return [one.reason for one in refused.value.waiting] or ["nothing"]

    def approve(self, batch: Batch) -> Batch:
        """Reviewed when the statements are over, and signed."""
        clock = self.world.core.clock
        assert clock.at is not None and batch.statement_until is not None
        clock.set(max(clock.at, batch.statement_until))
        self.world.approve(settlement.review(self.world.core, actor=self.reviewer, batch=batch.id))
        return self.look(batch.id)

    def send(self, batch: Batch) -> Batch:
        return settlement.send(self.world.core, actor=self.payer, batch=batch.id)

    def answers(self, batch: Batch, verdict: Verdict = lambda _: PAID) -> list[Answer]:
        """What the bank says of each payment."""
        found = settlement.payments(
            self.world.core,
            actor=self.payer,
            batch=batch.id,
            status=PaymentStatus.SENT,
            cursor=None,
            limit=200,
        )
        at = self.world.now().replace(microsecond=0)
        return [
            Answer(
                line=0,
                flow_number=one.flow_number,
                amount=one.amount,
                answer=verdict(one),
                reason="账号户名不符" if verdict(one) == BOUNCED else "",
                reference=f"B{Random(one.flow_number).randrange(10**9)}",
                at=at,
            )
            for one in found.items
        ]

    def answer(self, batch: Batch, verdict: Verdict = lambda _: PAID) -> Taken:
        """The bank's file comes back."""
        content = bank_file.write_answers(Form.CSV, batch.number, self.answers(batch, verdict))
        return settlement.take_return(self.world.core, actor=self.payer, content=content)

    def returns(self, batch: Batch, which: Verdict = lambda _: BOUNCED) -> list[Answer]:
        """What the bank says now of payments that it had paid, where it sent them back."""
        found = settlement.payments(
            self.world.core,
            actor=self.payer,
            batch=batch.id,
            status=PaymentStatus.PAID,
            cursor=None,
            limit=200,
        )
        at = self.world.now().replace(microsecond=0)
        return [
            Answer(0, one.flow_number, one.amount, BOUNCED, "收款账户已销户", "", at)
            for one in found.items
            if which(one) == BOUNCED
        ]

    def send_back(self, batch: Batch, which: Verdict = lambda _: BOUNCED) -> Taken:
        """The bank sends back what it had paid."""
        content = bank_file.write_answers(Form.CSV, batch.number, self.returns(batch, which))
        return settlement.take_return(self.world.core, actor=self.payer, content=content)

    def settle(self, verdict: Verdict = lambda _: PAID) -> Batch:
        """The whole walk, from the draft to the bank's answer."""
        batch = self.send(self.approve(self.draft()))
        self.answer(batch, verdict)
        return self.look(batch.id)

    def look(self, id: BatchId) -> Batch:
        return settlement.batch(self.world.core, actor=self.payer, batch=id)

    def lines(self, batch: Batch) -> list[BatchLine]:
        found = settlement.lines(
            self.world.core, actor=self.payer, batch=batch.id, cursor=None, limit=200
        )
        return list(found.items)

    def clean(self) -> list[str]:
        return clean(self.world.core)


def yuan(amount: int) -> Money:
    return Money.of_yuan(amount)
