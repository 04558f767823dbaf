"""Settle a replayed programme with a played bank, and trace every fen of it: from appropriation to
the lines of the bank, and back to the funders.

Merchants get accounts that no bank knows; subsidised sales are reviewed and released. What bounces
is paid again, and the campaigns of vouchers are closed, so that what nobody spent goes home.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import MOST_SIGNATURES, Status
from voucher_service.budgets import service as budgets
from voucher_service.budgets.sums import Sums
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, CampaignStatus
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import Clock, end_of
from voucher_service.kernel.ids import ApprovalId, CashierId, MerchantId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.service import banking
from voucher_service.redemption import service as redemption
from voucher_service.settlement import played_bank
from voucher_service.settlement import service as settlement
from voucher_service.settlement.lifecycles import PaymentStatus
from voucher_service.settlement.model import Batch, Form
from voucher_service.settlement.standing import NothingDue

from . import releasing
from .players import player

_BOUNCED_BPS = 100
_ROUNDS = 10
_AT_ONCE = 200


class Untraced(Exception):
    """The money does not add up; the text says where."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Different people for each step; nobody knows their passwords."""

    planner: Actor
    approvers: tuple[Actor, ...]
    inspector: Actor
    reviewer: Actor
    payer: Actor

    def sign(self, core: Core, asked: ApprovalId) -> None:
        """Sign a proposal as often as it takes."""
        for signer in self.approvers:
            if approvals.approve(core, actor=signer, approval=asked).status is Status.EXECUTED:
                return


@dataclass(frozen=True, slots=True)
class Trace:
    """Where the money of a programme went: by funder's name, and what the bank paid."""

    funders: dict[str, Sums]
    released: int
    batches: int
    payments: int
    bounced: int
    paid: Money


def settle(
    core: Core, *, programme: str, closes_on: date, cashiers: Collection[CashierId], seed: int
) -> Trace:
    """Settle everything a replayed programme redeemed, close its campaigns, and trace it.

    `cashiers`: one of each shop. Raises Untraced.
    """
    clock = Clock(end_of(closes_on) + timedelta(days=20))
    then = with_clock(core, clock)
    staff = _staff(then)
    released = releasing.release(
        then,
        clock,
        cashiers=cashiers,
        reviewer=staff.inspector,
        sign=partial(staff.sign, then),
    )
    clock.set(end_of(closes_on) + timedelta(days=60))
    _accounts(then)
    done: list[Batch] = []
    for number in range(_ROUNDS):
        try:
            batch = _pay(
                then, clock, staff, programme, closes_on + timedelta(days=59 + number), seed
            )
        except NothingDue:
            break
        done.append(batch)
        if not batch.bounced:
            break
        clock.set(end_of(closes_on) + timedelta(days=61 + number))
    _close(then, staff, programme)
    return _traced(then, staff, programme, released, done)


def text(trace: Trace) -> str:
    """The trace as a table in yuan."""
    names = ("given", "settled", "committed", "outstanding", "reserved", "available", "returned")
    lines = [f"{'funder':24}" + "".join(f"{name:>16}" for name in names)]
    for funder, sums in sorted(trace.funders.items()):
        cells = "".join(f"{getattr(sums, name).yuan_text():>16}" for name in names)
        lines.append(f"{funder:24}{cells}")
    lines.append(f"two people released {trace.released} subsidised sales.")
    lines.append(
        f"the bank paid {trace.paid.yuan_text()} in {trace.payments} payments of"
        f" {trace.batches} batches; {trace.bounced} bounced and were paid again."
        " Every fen is traced."
    )
    return "\n".join(lines)


def _pay(core: Core, clock: Clock, staff: Staff, programme: str, day: date, seed: int) -> Batch:
    batch = settlement.draft(core, actor=SYSTEM, day=day, programme=programme, synthetic=True)
    assert batch.statement_until is not None, "it was drafted"
    clock.set(max(clock.at or batch.statement_until, batch.statement_until))
    staff.sign(core, settlement.review(core, actor=staff.reviewer, batch=batch.id))
    settlement.send(core, actor=staff.payer, batch=batch.id)
    _, content = settlement.bank_file(core, actor=staff.payer, batch=batch.id, form=Form.CSV)
    with core.transaction() as session:
        now = core.now(session)
    back = played_bank.answer(
        content, form=Form.CSV, at=now, bounced_bps=_BOUNCED_BPS, seed=seed + day.toordinal()
    )
    settlement.take_return(core, actor=staff.payer, content=back)
    _ask_again(core, staff, batch)
    return settlement.batch(core, actor=staff.payer, batch=batch.id)


def _ask_again(core: Core, staff: Staff, batch: Batch) -> None:
    """Finance lets the next batch try what bounced."""
    cursor = None
    while True:
        page = settlement.payments(
            core,
            actor=staff.payer,
            batch=batch.id,
            status=PaymentStatus.BOUNCED,
            cursor=cursor,
            limit=_AT_ONCE,
        )
        for one in page.items:
            settlement.retry(core, actor=staff.payer, payment=one.id)
        if page.next is None:
            return
        cursor = page.next


def _close(core: Core, staff: Staff, programme: str) -> None:
    """End the campaigns of vouchers: what nobody spent goes back to each funder by share."""
    for one in campaigns.campaigns(core, actor=staff.planner, programme=programme):
        if one.kind is CampaignKind.VOUCHER and one.status is CampaignStatus.PUBLISHED:
            staff.sign(core, campaigns.close(core, actor=staff.planner, campaign=one.id))


def _traced(core: Core, staff: Staff, programme: str, released: int, done: list[Batch]) -> Trace:
    funders: dict[str, Sums] = defaultdict(Sums)
    for one in campaigns.campaigns(core, actor=staff.planner, programme=programme):
        for spot in budgets.campaign_standing(core, campaign=one.id).spots:
            funders[spot.funder] += spot.sums
    for funder, sums in funders.items():
        if sums.given != sums.placed:
            raise Untraced(f"{funder} gave {sums.given}, and {sums.placed} stands somewhere")
        if sums.committed:
            raise Untraced(f"{funder} is still to pay {sums.committed}, and nobody waits for it")
    paid = Money.total(one.paid_amount for one in done)
    settled = Money.total(one.settled for one in funders.values())
    if paid != settled:
        raise Untraced(f"the bank paid {paid}, the funders' lines settled {settled}")
    return Trace(
        dict(funders),
        released=released,
        batches=len(done),
        payments=sum(one.paid for one in done),
        bounced=sum(one.bounced for one in done),
        paid=paid,
    )


def _staff(core: Core) -> Staff:
    planner, inspector, reviewer, payer, *approvers = (
        player(core, role, of="replay")
        for role in (
            Role.PLANNER,
            Role.REVIEWER,
            Role.FINANCE,
            Role.FINANCE,
            *[Role.APPROVER] * MOST_SIGNATURES,
        )
    )
    return Staff(planner, tuple(approvers), inspector, reviewer, payer)


def _accounts(core: Core) -> None:
    """An account for each merchant with something to be paid and none to pay it to."""
    with core.transaction() as session:
        now = core.now(session)
        found = redemption.merchants_unpaid(session, after=None)
        known = merchants.accounts_at(session, merchants=found, at=now)
        names = merchants.merchant_names(session, merchants=found)
        for number, one in enumerate(found):
            if one in known:
                continue
            banking.enter_account(
                session,
                merchant=MerchantId(one),
                kind=AccountKind.CORPORATE,
                holder={"name": names[one], "number": f"9999{number:012d}"},
                bank="回放银行",
                cnaps="000000000000",
                requested_by=None,
                now=now,
            )
