"""Verify the books: every invariant, the seals of the ledger, then the gate against the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import text

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.allocation import upkeep
from voucher_service.allocation.drift import Difference, named
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.money import ZERO
from voucher_service.ledger import service as ledger
from voucher_service.lotteries import service as lotteries
from voucher_service.proof import service as proof
from voucher_service.tradein import service as tradein
from voucher_service.vouchers.service.drift import Finding, examine

from .invariants import ALL, STOPS_PAYOUTS

_MOST_NAMED = 20
SEALS = "L2 every transfer is as it was sealed"
GATE = "G1 the gate knows what is free, what is held and by whom"
FROZEN = "A5 every proposal has the payload that was frozen"
LOG = "A6 the sealed log is what was sealed, and says what the books say"
DRAWS = "D1 every draw can be repeated from its rows"
POOL = "G2 an offer's pool holds what its vouchers say"


@dataclass(frozen=True, slots=True)
class Breach:
    """One case of a broken invariant."""

    invariant: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found, and over how many rows. `unseen`: invariants that could not be looked at."""

    breaches: tuple[Breach, ...]
    invariants: int
    vouchers: int
    redemptions: int
    transfers: int
    events: int
    gate: str
    unseen: frozenset[str] = frozenset()

    @property
    def sentence(self) -> str:
        """What a clean run says."""
        return (
            f"clean: {self.invariants} invariants hold over {self.vouchers:,} vouchers, "
            f"{self.redemptions:,} redemptions, {self.transfers:,} transfers, "
            f"{self.events:,} events\n{self.gate}"
        )


def verify(core: Core) -> Verification:
    """Check every invariant, then the gate of every open offer.

    Reads only; at most 20 cases of each are named. Each invariant has a snapshot of its own, so
    that vacuum never waits for all of them. A gate that is away is said, and is no breach.
    """
    return _verified(core, proof.differences)


def _verified(core: Core, log: Callable[..., list[str]]) -> Verification:
    breaches = [
        Breach(name, case)
        for name, statement in ALL.items()
        for case in _cases(core, f"{statement} LIMIT {_MOST_NAMED}")
    ]
    breaches += [Breach(SEALS, case) for case in ledger.tampered(core, most=_MOST_NAMED)]
    with core.transaction() as session:
        breaches += [Breach(LOG, case) for case in log(core, most=_MOST_NAMED)]
        breaches += [Breach(DRAWS, case) for case in lotteries.differences(session)]
        changed = approvals.changed_payloads(session)
        breaches += [Breach(FROZEN, f"approval {one}") for one in changed]
        vouchers, redemptions, transfers, events = session.execute(
            text(
                "SELECT (SELECT count(*) FROM voucher), (SELECT count(*) FROM redemption),"
                " (SELECT count(*) FROM ledger.transfer), (SELECT count(*) FROM audit.event)"
            )
        ).one()
    at_the_gate, said, unseen = _gate(core)
    return Verification(
        (*breaches, *at_the_gate),
        len(ALL) + 4,
        vouchers,
        redemptions,
        transfers,
        events,
        said,
        unseen,
    )


def watch(core: Core) -> Verification:
    """Verify, raise an alarm for each broken invariant, and let go of those that hold again.

    Of the sealed log what is new is read, and of the old so much that a day's looks read it all. A
    broken invariant of the ledger stops payouts, until a second person lets them go on.
    """
    found = _verified(core, proof.glance)
    cases: dict[tuple[Kind, str], list[str]] = defaultdict(list)
    for one in found.breaches:
        kind = Kind.LEDGER if one.invariant.split()[0] in STOPS_PAYOUTS else Kind.BOOKS
        cases[kind, one.invariant].append(one.detail)
    with core.transaction() as session:
        alarms.settle(
            session,
            kinds=(Kind.LEDGER, Kind.BOOKS),
            broken={about: {"cases": named} for about, named in cases.items()},
            unseen=found.unseen,
            now=core.now(session),
        )
    return found


def _cases(core: Core, statement: str) -> list[str]:
    with core.transaction() as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        for setting in ("statement_timeout = '10min'", "work_mem = '64MB'"):
            session.execute(text(f"SET LOCAL {setting}"))
        return [str(one) for one in session.execute(text(statement)).scalars()]


def _gate(core: Core) -> tuple[list[Breach], str, frozenset[str]]:
    """What two looks at each gate agree on, a line that says what was compared, what wasn't."""
    offers = campaigns.open_offers(core)
    alone = [one for one in offers if one.mode is Mode.DEGRADED]
    found, unseen = examine(core, offers=alone), frozenset[str]()  # these have no gate to compare
    try:
        found += examine(core, offers=[one for one in offers if one.mode is Mode.GATE])
        pools = upkeep.compare(core, tradein.GATED)
    except TryAgain:
        said = f"gate: away; {len(offers) - len(alone)} open offers were not compared"
        unseen, pools = frozenset({GATE, POOL}), []
    else:
        looks, seats = [one.look for one in found if one.look], [look for _, look, _ in pools]
        said = (
            f"gate: {len(looks)} of {len(offers)} open offers compared, "
            f"{len(pools)} pools of qualifications, "
            f"{sum(one.free_in_gate for one in (*looks, *seats)):,} slots free, "
            f"{sum(one.pending for one in (*looks, *seats)):,} pending"
        )
    if alone:
        said += f"; {len(alone)} given out from PostgreSQL alone (degraded mode)"
    breaches = [breach for one in found for breach in _differences(one)]
    for offer, _, differences in pools:
        breaches += _slots(f"pool {offer.id}", differences)
    return breaches, said, unseen


def _slots(about: str, differences: Collection[Difference]) -> list[Breach]:
    return [
        Breach(GATE, f"{about}: {kind} {', '.join(slots)}")
        for kind, slots in named(differences, _MOST_NAMED).items()
    ]


def _differences(one: Finding) -> list[Breach]:
    breaches = _slots(f"offer {one.offer.id}", one.differences)
    if one.ledger_off != ZERO:
        breaches.append(Breach(POOL, f"offer {one.offer.id}: off by {one.ledger_off.fen} fen"))
    return breaches
