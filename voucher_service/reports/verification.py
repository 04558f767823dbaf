"""Verify the books: every invariant, on one snapshot, then the gate against them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from voucher_service.allocation.drift import named
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.money import ZERO
from voucher_service.lotteries import service as lotteries
from voucher_service.vouchers.service.drift import Finding, examine

from .invariants import ALL

_MOST_NAMED = 20
GATE = "G1 the gate knows what is free, what is held and by whom"
DRAWS = "D1 every draw can be repeated from its rows"
POOL = "G2 an offer's pool holds what its vouchers say"


@dataclass(frozen=True, slots=True)
class Breach:
    """One case of a broken invariant."""

    invariant: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found, and over how many rows."""

    breaches: tuple[Breach, ...]
    invariants: int
    vouchers: int
    redemptions: int
    transfers: int
    events: int
    gate: str

    @property
    def sentence(self) -> str:
        """What a clean run says."""
        return (
            f"clean: {self.invariants} invariants hold over {self.vouchers:,} vouchers, "
            f"{self.redemptions:,} redemptions, {self.transfers:,} transfers, "
            f"{self.events:,} events\n{self.gate}"
        )


def verify(core: Core) -> Verification:
    """Check every invariant on one snapshot of the database, then the gate of every open offer.

    Reads only; at most 20 cases of each are named. A gate that is away is said, and is no breach.
    """
    with core.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        breaches = [
            Breach(name, str(case))
            for name, statement in ALL.items()
            for case in session.execute(text(f"{statement} LIMIT {_MOST_NAMED}")).scalars()
        ]
        breaches += [Breach(DRAWS, case) for case in lotteries.differences(session)]
        vouchers, redemptions, transfers, events = session.execute(
            text(
                "SELECT (SELECT count(*) FROM voucher), (SELECT count(*) FROM redemption),"
                " (SELECT count(*) FROM ledger.transfer), (SELECT count(*) FROM audit.event)"
            )
        ).one()
    at_the_gate, said = _gate(core)
    return Verification(
        (*breaches, *at_the_gate), len(ALL) + 1, vouchers, redemptions, transfers, events, said
    )


def _gate(core: Core) -> tuple[list[Breach], str]:
    """What two looks at each gate agree on, and a line that says what was compared."""
    offers = campaigns.open_offers(core)
    alone = [one for one in offers if one.mode is Mode.DEGRADED]
    found = examine(core, offers=alone)  # their money: they have no gate to be compared with
    try:
        found += examine(core, offers=[one for one in offers if one.mode is Mode.GATE])
    except TryAgain:
        said = f"gate: away; {len(offers) - len(alone)} open offers were not compared"
    else:
        looks = [one.look for one in found if one.look is not None]
        said = (
            f"gate: {len(looks)} of {len(offers)} open offers compared, "
            f"{sum(one.free_in_gate for one in looks):,} slots free, "
            f"{sum(one.pending for one in looks):,} pending"
        )
    if alone:
        said += f"; {len(alone)} given out from PostgreSQL alone (degraded mode)"
    return [breach for one in found for breach in _differences(one)], said


def _differences(one: Finding) -> list[Breach]:
    breaches = [
        Breach(GATE, f"offer {one.offer.id}: {kind} {', '.join(slots)}")
        for kind, slots in named(one.differences, _MOST_NAMED).items()
    ]
    if one.ledger_off != ZERO:
        breaches.append(Breach(POOL, f"offer {one.offer.id}: off by {one.ledger_off.fen} fen"))
    return breaches
