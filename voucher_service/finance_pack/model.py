"""What a finance pack is made of, what it says of the books behind it, and refusals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NewType
from uuid import UUID

from voucher_service.budgets.model import Level
from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.money import ZERO, Money

PackId = NewType("PackId", UUID)
# So many redemptions are drawn for an auditor to look up.
SAMPLE = 30
# So many redemptions are packed while somebody waits at a page.
ONLINE = 50_000


class PackTooEarly(Conflict):
    """A pack is of a batch that was reviewed: until then its amounts may change."""

    code = "finance_pack_too_early"


class PackTooLarge(Conflict):
    """More redemptions than are packed while somebody waits; the command line has no such limit."""

    code = "finance_pack_too_large"


class PackDoesNotTie(Conflict):
    """Two documents of the pack say different sums; `extra` names them. Nothing was handed out."""

    code = "finance_pack_does_not_tie"


@dataclass(frozen=True, slots=True)
class Facts:
    """How the books stood when a pack was made first: the same in every later copy.

    `standing`: how far the batch was. `size`, `root` and `note`: of the head of the sealed log that
    goes with it. `cases`: what the invariants found.
    """

    at: datetime
    standing: str
    size: int
    root: str
    note: str
    invariants: int
    vouchers: int
    redemptions: int
    transfers: int
    events: int
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it was handed out last. `number`: 1 is the batch's first; another one says
    otherwise than the one before it. `sha256` is the zip's, in hex, and `size` its bytes.
    """

    id: PackId
    batch_id: UUID
    number: int
    facts: Facts
    sha256: str
    size: int
    made_by: str


@dataclass(frozen=True, slots=True)
class Borne:
    """What a funder bears of a batch for one campaign, and what of that was paid."""

    level: Level
    funder: str
    campaign: str
    due: Money
    settled: Money


@dataclass(frozen=True, slots=True)
class Sampled:
    """A redemption that was drawn for the auditor; `leaf`: where it stands in the log."""

    redemption_id: UUID
    merchant: str
    shop: str
    reference: str
    at: datetime
    order: Money
    due: Money
    leaf: int | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A batch of the review behind this one: how many of its sales were looked at, how many bad."""

    title: str
    count: int
    looked_at: int
    bad: int
    seed: str
    list_sha256: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """What of a resident's subsidy was published, from day to day."""

    name: str
    scheme: str
    area: str
    amount: Money
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Moved:
    """One account between two instants: what it held, what came and went."""

    funder: str
    campaign: str
    stage: str
    opening: Money
    came: Money
    went: Money
    closing: Money


@dataclass(frozen=True, slots=True)
class Bank:
    """What the bank said of a batch's payments; `open` ones it has not answered, `returned` ones it
    had paid and sent back.
    """

    paid: int
    paid_amount: Money
    bounced: int
    bounced_amount: Money
    returned: int
    returned_amount: Money
    open: int
    open_amount: Money


@dataclass(frozen=True, slots=True)
class Sums:
    """What the tables of a pack add up to. No funder bears what of `due` is `advanced`."""

    lines: int = 0
    redemptions: int = 0
    gross: Money = ZERO
    refunded: Money = ZERO
    due: Money = ZERO
    advanced: Money = ZERO
    deducted: Money = ZERO


def differences(pairs: Sequence[tuple[str, object, object]]) -> list[str]:
    """What is not the same in two places, in words."""
    return [f"{name}: {one} / {other}" for name, one, other in pairs if one != other]
