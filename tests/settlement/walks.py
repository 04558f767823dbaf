"""Random days of a city: spent, refunded, paid, bounced, sent back, tried again, in any order.

After every step the books are clean, and what the ledger says was paid out, net of what came back,
is what the bank moved. At the end everybody was paid once, net: what is kept of their orders, and
what they still owe.

    python -m tests.settlement.walks --walks 50 --seed 1
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import click
from sqlalchemy import text

from tests.conftest import NOON, fresh_database, settings_on
from tests.make import World
from tests.services.giving_back import refund
from tests.services.treasury import treasury_of
from tests.settlement.offices import Office, Verdict, yuan
from voucher_service import migrate
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import build, with_clock
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import DomainError
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption
from voucher_service.reports import invariants
from voucher_service.reports.settlement_invariants import SETTLEMENT
from voucher_service.settlement import bank_file
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID, Answer
from voucher_service.settlement.lifecycles import BACK, BatchStatus
from voucher_service.settlement.model import AdvanceTooLarge, Batch, Form, Payment
from voucher_service.settlement.standing import NothingDue

_DAYS, _TILLS = 7, 3
_NET = text("""
SELECT coalesce(sum(e.amount_fen), 0) FROM ledger.account a
JOIN ledger.entry e ON e.account_id = a.id
WHERE a.stage = 'settled' AND a.owner_type IN ('line', 'merchant')
""")
_DUE = text("""
SELECT m.id, coalesce((SELECT sum(r.discount_fen - r.refunded_discount_fen) FROM redemption r
        WHERE r.merchant_id = m.id AND r.status = 'committed'), 0)
    - coalesce((SELECT sum(e.amount_fen) FROM ledger.account a
        JOIN ledger.entry e ON e.account_id = a.id
        WHERE a.owner_id = m.id AND a.stage = 'receivable'), 0)
FROM merchant m
""")


_MONEY = {
    name: statement
    for name, statement in (invariants.LEDGER | SETTLEMENT).items()
    if not name.startswith("L8")
}


def broken(office: Office) -> list[str]:
    """Which rules of money the books break; the rest of `verify` costs more."""
    with office.world.core.transaction() as session:
        found = {name: session.execute(text(rule)).scalars().all() for name, rule in _MONEY.items()}
    return [f"{name}: {cases}" for name, cases in found.items() if cases]


@dataclass
class Bank:
    """What really moved, by flow number: paid, and sent back."""

    moved: dict[str, int] = field(default_factory=dict)

    def take(self, answers: list[Answer]) -> None:
        for one in answers:
            self.moved[one.flow_number] = one.amount.fen if one.answer == PAID else 0


class Walk:
    """Some days at one office; every choice by one seed."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office, self.rng, self.bank = office, Random(seed), Bank()
        self.tills = [office.till(f"44170000{place:08}") for place in range(_TILLS)]
        self.offer = self._offer()
        self.done: list[tuple[Actor, Redemption]] = []
        self.batches: list[Batch] = []
        self.accounts = _TILLS

    def run(self, days: int) -> None:
        """So many days, and then those on which all is tried again until nothing is left."""
        for _ in range(days):
            self._day()
        while self._back() or self._unpaid():
            self._again(every=True)
            self._settle(lambda _: PAID)
        self._check()
        assert self.office.clean() == []
        self._paid_once()

    def _day(self) -> None:
        for _ in range(self.rng.randint(0, 3)):
            self._spend()
        self._refund()
        if not self.rng.randrange(4):
            self._ahead()
        self._again()
        self._settle(self._some())
        self._refund()
        self._send_back()
        self._check()

    def _offer(self) -> Offer:
        made = treasury_of(self.office.world)
        for funder in ("city", "jiangcheng"):
            made.allot(made.frame, made.fund(funder, yuan(2_000)), yuan(2_000))
        campaign = made.draft(made.frame)
        made.line(campaign, "city", yuan(1_000), 6_667, fallback=True)
        made.line(campaign, "jiangcheng", yuan(1_000), 3_333)
        return made.publish(campaign, made.offer(campaign, 40))

    def _spend(self) -> None:
        till, world = self.rng.choice(self.tills), self.office.world
        try:
            voucher = world.claim(self.offer)
        except DomainError:
            return  # none left
        self.done.append((till, world.redeem(voucher, till).value))

    def _refund(self) -> None:
        if not self.done:
            return
        till, one = self.rng.choice(self.done)
        try:
            refund(self.office.world, till, one, self.rng.choice((1_111, 3_333, 6_400, 12_800)))
        except DomainError:
            return  # less is left

    def _ahead(self) -> None:
        office = self.office
        whose = office.merchant(self.rng.choice(self.tills))
        try:
            asked = settlement.propose_advance(
                office.world.core,
                actor=office.reviewer,
                merchant=whose,
                amount=yuan(self.rng.randint(1, 30)),
                reason="备货",
            )
        except AdvanceTooLarge:
            return
        office.world.approve(asked)

    def _again(self, *, every: bool = False) -> None:
        """Finance says "again", or the merchant names another account."""
        for one in self._back():
            if every or self.rng.random() < 0.5:
                try:
                    settlement.retry(
                        self.office.world.core, actor=self.office.payer, payment=one.id
                    )
                except DomainError:
                    continue  # it was tried again since
        if self.rng.random() < 0.3:
            self.accounts += 1
            self.office.account(self.rng.choice(self.tills), f"44170000{self.accounts:08}")

    def _back(self) -> list[Payment]:
        core, actor = self.office.world.core, self.office.payer
        pages = [
            settlement.payments(
                core, actor=actor, batch=one.id, status=BACK, cursor=None, limit=200
            )
            for one in self.batches
        ]
        return [one for page in pages for one in page.items]

    def _some(self) -> Verdict:
        """Three in ten come back; asked again it says the same."""
        drawn: dict[str, str] = {}

        def verdict(one: Payment) -> str:
            said = BOUNCED if self.rng.random() < 0.3 else PAID
            return drawn.setdefault(one.flow_number, said)

        return verdict

    def _unpaid(self) -> bool:
        with self.office.world.core.transaction() as session:
            return bool(redemption.merchants_unpaid(session, after=None))

    def _settle(self, verdict: Verdict) -> None:
        self.office.next_day()
        try:
            batch = self.office.draft()
        except NothingDue:
            return
        self._refund()
        if batch.status is not BatchStatus.DRAFTED:
            return
        sent = self.office.send(self.office.approve(batch))
        self._refund()
        self.batches.append(sent)
        self._tell(sent, self.office.answers(sent, verdict))

    def _send_back(self) -> None:
        self.office.next_day()
        for batch in self.batches:
            back = self.office.returns(batch, self._some())
            if back:
                self._tell(batch, back)
                self._tell(batch, back, form=Form.XLSX)  # once more, as another file

    def _tell(self, batch: Batch, answers: list[Answer], form: Form = Form.CSV) -> None:
        if not answers:
            return
        self.bank.take(answers)
        content = bank_file.write_answers(form, batch.number, answers)
        settlement.take_return(self.office.world.core, actor=self.office.payer, content=content)

    def _check(self) -> None:
        assert broken(self.office) == []
        with self.office.world.core.transaction() as session:
            net = int(session.execute(_NET).scalar_one())
        assert net == sum(self.bank.moved.values())

    def _paid_once(self) -> None:
        got: dict[object, int] = defaultdict(int)
        core, payer = self.office.world.core, self.office.payer
        for batch in self.batches:
            page = settlement.payments(core, actor=payer, batch=batch.id, cursor=None, limit=200)
            for one in page.items:
                line = settlement.line(core, actor=payer, line=one.line_id)
                got[line.merchant_id] += self.bank.moved.get(one.flow_number, 0)
        with core.transaction() as session:
            due = {id: int(fen) for id, fen in session.execute(_DUE)}
        assert {id: got[id] for id in due} == due


def walk(servers: Servers, data: Path, seed: int) -> None:
    """One walk on a database of its own."""
    with fresh_database(servers) as url:
        core = build(settings_on(servers, url, data / "sms.jsonl"))
        try:
            Walk(Office(World(with_clock(core, Clock(NOON))), ""), seed).run(_DAYS)
        finally:
            core.close()


def main() -> None:
    """Walk so many times; stops at the first that goes wrong and says its seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--walks", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        servers = Servers(data / "servers", durable=False)
        servers.start()
        try:
            migrate.upgrade(servers.url("postgres", postgres.OWNER))
            for seed in range(told.seed, told.seed + told.walks):
                click.echo(f"walk {seed}")
                walk(servers, data, seed)
        finally:
            servers.stop()
    click.echo(f"{told.walks} walks: clean after every step, everybody paid once")


if __name__ == "__main__":
    main()
