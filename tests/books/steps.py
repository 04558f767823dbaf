"""What can be done in the city, and what each thing does to the walk's own books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ApprovalId, CampaignId

from .sums import Delta, Differs, of

Effect = Callable[[Any, Delta], Delta]


@dataclass(frozen=True)
class Step:
    """One operation. `act` may be asked again as it is; `effect` is given its answer (None where it
    was made but nobody was told) and what the ledger shows, and says what it must show. A sweep
    does the next piece when it is asked again; of a batch each member is done or not by itself.
    """

    name: str
    act: Callable[[Core], Any]
    effect: Effect
    weight: int = 1
    sweeps: bool = False
    batch: bool = False


@dataclass
class Held:
    """A voucher as the walk knows it."""

    id: UUID
    offer: UUID
    fen: int
    until: datetime


@dataclass
class Line:
    """A line as it was planned. `source` is the allotment it draws on."""

    id: UUID
    source: UUID
    amount: int
    bps: int
    shop_area: str


@dataclass
class Running:
    """A campaign: its lines, its offers with their face values in fen, what is redeemed by area."""

    id: CampaignId
    lines: list[Line]
    faces: dict[UUID, int]
    costs: dict[UUID, int]
    ends: datetime
    offers: dict[UUID, Offer] = field(default_factory=dict)
    status: str = "draft"
    redeemed: dict[str, int] = field(default_factory=dict)

    @property
    def lines_ids(self) -> list[UUID]:
        """The ids of its lines."""
        return [one.id for one in self.lines]


@dataclass
class Asked:
    """A proposal that waits: what happens to the books when the last signature is there."""

    approval: ApprovalId
    effect: Effect
    about: Running | None = None
    then: str = ""


def nothing(_answer: Any, _seen: Delta) -> Delta:
    """The effect of what moves no money."""
    return Delta()


def exactly(delta: Delta) -> Effect:
    """The effect that is known beforehand."""
    return lambda _answer, _seen: delta


def publishing(one: Running) -> Effect:
    """Lines draw on their budgets; every offer's greatest cost is set aside, shared by the rule."""

    def effect(_answer: Any, seen: Delta) -> Delta:
        cost, due = sum(one.costs.values()), Delta()
        for line in one.lines:
            kept = seen[("line", line.id, "available")]
            wanted = 0 if line.shop_area else cost * line.bps / 10_000
            near(line.amount - kept, wanted, len(one.costs), f"line {line.id} sets aside")
            due[("allotment", line.source, "available")] -= line.amount
            due[("line", line.id, "available")] += kept
        for offer, fen in one.costs.items():
            due[("pool", offer, "reserved")] += fen
        if sum(due.values()):
            raise Differs(f"publishing lost {sum(due.values())} fen")
        return due

    return effect


def closing(one: Running) -> Effect:
    """All that no voucher stands against goes back to the budgets."""

    def effect(_answer: Any, seen: Delta) -> Delta:
        due = Delta(
            {
                place: fen
                for place, fen in seen.items()
                if place[0] in ("line", "allotment")
                or (place[0] == "pool" and place[2] in ("reserved", "committed"))
            }
        )
        ids = {line.source for line in one.lines} | {line.id for line in one.lines} | set(one.faces)
        _within(due, ids)
        if sum(due.values()):
            raise Differs(f"a close lost {sum(due.values())} fen")
        return due

    return effect


def folding(one: Running, books: Delta) -> Effect:
    """What was redeemed goes to the lines, whole; nobody bears more than the rule says."""

    def effect(_answer: Any, seen: Delta) -> Delta:
        folded = sum(books[("pool", offer, "committed")] for offer in one.faces)
        due = Delta({("pool", o, "committed"): -books[("pool", o, "committed")] for o in one.faces})
        borne = {line.id: seen[("line", line.id, "committed")] for line in one.lines}
        if sum(borne.values()) != folded:
            raise Differs(f"folded {folded}, borne {sum(borne.values())}")
        total = folded + of(books, "line", "committed", one.lines_ids)
        local = any(line.shop_area for line in one.lines)
        for line in one.lines:
            whole = books[("line", line.id, "committed")] + borne[line.id]
            if line.shop_area:
                most = one.redeemed.get(line.shop_area, 0) * line.bps // 10_000
                if not 0 <= whole <= min(most, line.amount):
                    raise Differs(f"line {line.id} bears {whole} of at most {most}")
            elif not local and one.status != "closed":
                near(whole, total * line.bps / 10_000, len(one.faces) + 1, f"line {line.id} bears")
            due[("line", line.id, "committed")] += borne[line.id]
            due[("line", line.id, "available")] += seen[("line", line.id, "available")]
        if sum(seen[("line", line.id, "available")] for line in one.lines):
            raise Differs("relief between lines is not even")
        return due

    return effect


def near(found: int, wanted: float, most: int, what: str) -> None:
    """Raises Differs when a share is further from the rule than rounding explains."""
    if abs(found - wanted) > most:
        raise Differs(f"{what} {found}, by the rule {wanted}")


def _within(due: Delta, ids: set[UUID]) -> None:
    foreign = [place for place, fen in due.items() if fen and place[1] not in ids]
    if foreign:
        raise Differs(f"money of others moved: {foreign}")
