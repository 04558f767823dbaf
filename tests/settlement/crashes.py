"""Kill a process that settles, again and again, and see that every fen is paid exactly once.

`python -m tests.settlement.crashes --kills 20`: each round is a day of redemptions; a process that
drafts, reviews, signs, sends and takes the bank's file is killed with SIGKILL at a random instant,
then started again until it gets through. The played bank pays a flow number once. Fails when the
books are broken, or the bank paid anything but what was redeemed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import UUID

import click

from tests.make import World
from tests.services.giving_back import clean
from tests.settlement.offices import Office
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Status
from voucher_service.cli.base import attached
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import Money
from voucher_service.settlement import bank_file, played_bank
from voucher_service.settlement import service as settlement
from voucher_service.settlement.lifecycles import BatchStatus
from voucher_service.settlement.model import Form

_TILLS, _SPENT = 4, 3


@click.command()
@click.option("--kills", type=int, default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--child", default="", hidden=True)
@click.option("--data", type=click.Path(path_type=Path), hidden=True)
def main(kills: int, seed: int, child: str, data: Path | None) -> None:
    """Settle under SIGKILL."""
    if child:
        assert data is not None, "the parent says where"
        with attached(data) as (core, _):
            _settle(core, json.loads(child), data / "bank.jsonl")
        return
    with TemporaryDirectory() as thrown, attached(Path(thrown)) as (core, _):
        breaches, redeemed, paid, killed = _rounds(core, Path(thrown), kills, Random(seed))
    click.echo(
        f"{killed} kills; redeemed {redeemed.yuan_text()}, the bank paid {paid.yuan_text()};"
        f" breaches: {breaches or 'none'}"
    )
    if breaches or redeemed != paid:
        raise SystemExit(1)


def _rounds(
    core: Core, folder: Path, kills: int, rng: Random
) -> tuple[list[str], Money, Money, int]:
    now = World(core).now()
    clock = Clock(now - timedelta(days=kills + 2))
    office = Office(World(with_clock(core, clock)), "")
    tills = [office.till(f"4417{number:012d}") for number in range(_TILLS)]
    signers = [office.world.staff(Role.APPROVER) for _ in range(2)]
    redeemed, killed, longest = Money(0), 0, 3.0
    while killed < kills:
        for till in tills:
            redeemed += Money.total(one.discount for one in office.spend(till, _SPENT))
        office.next_day()
        told = {
            "at": clock.at.isoformat() if clock.at else "",
            "finance": [str(office.reviewer.id), str(office.payer.id)],
            "signers": [str(one.id) for one in signers],
        }
        began, done = time.monotonic(), False
        while not done:
            child = _start(core, folder, told)
            try:
                wait = rng.uniform(1, longest) if killed < kills else None
                if child.wait(wait) != 0:
                    raise click.ClickException("the process failed without being killed")
                done = True
            except subprocess.TimeoutExpired:
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
                killed += 1
        longest = max(3.0, (time.monotonic() - began) / 2)
    entries = [json.loads(line) for line in (folder / "bank.jsonl").read_text().splitlines()]
    paid = Money.total({flow: Money(fen) for flow, fen in entries}.values())
    return clean(office.world.core), redeemed, paid, killed


def _start(core: Core, folder: Path, told: Mapping[str, object]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.settlement.crashes", "--data", str(folder)]
    environ = os.environ | {
        "VOUCHER__SETTLEMENT__STATEMENT_HOURS": "0",
        "VOUCHER__DATABASE__URL": core.settings.database.url,
        "VOUCHER__DATABASE__OWNER_URL": core.settings.database.owner_url,
        "VOUCHER__GATE__URL": core.settings.gate.url,
        "VOUCHER__QUEUE__URL": core.settings.queue.url,
    }
    return subprocess.Popen([*command, "--child", json.dumps(told)], env=environ)


def _settle(core: Core, told: Mapping[str, object], bank: Path) -> None:
    """Go on with the day's batch from wherever it stands, to the end."""
    at = datetime.fromisoformat(str(told["at"]))
    core = with_clock(core, Clock(at))
    reviewer, payer = _staff(told["finance"], Role.FINANCE)
    signers = _staff(told["signers"], Role.APPROVER)
    day = day_of(at) - timedelta(days=1)
    batch = settlement.draft(core, actor=SYSTEM, day=day)
    if batch.status is BatchStatus.DRAFTED:
        settlement.review(core, actor=reviewer, batch=batch.id)
    batch = settlement.batch(core, actor=payer, batch=batch.id)
    if batch.status is BatchStatus.REVIEWED and batch.approval_id is not None:
        for signer in signers:
            asked = ApprovalId(batch.approval_id)
            if approvals.get(core, actor=signer, approval=asked).status is Status.WAITING:
                approvals.approve(core, actor=signer, approval=asked)
    batch = settlement.send(core, actor=payer, batch=batch.id)
    _, content = settlement.bank_file(core, actor=payer, batch=batch.id, form=Form.CSV)
    with bank.open("a") as book:
        for flow, _, amount in bank_file.read_orders(content)[1]:
            book.write(json.dumps([flow, amount.fen]) + "\n")
    answers = played_bank.answer(content, form=Form.CSV, at=at)
    settlement.take_return(core, actor=payer, content=answers)
    settlement.settle_due(core)
    done = settlement.batch(core, actor=payer, batch=batch.id)
    assert done.status is BatchStatus.CLOSED, done.status


def _staff(ids: object, role: Role) -> list[Actor]:
    assert isinstance(ids, list)
    return [Actor(ActorKind.STAFF, UUID(one), frozenset({role})) for one in ids]


if __name__ == "__main__":
    main()
