"""The protections of a claim; each can be taken away, to see whether the auditor notices."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Protections:
    """What stands between faults and residents. All of them, unless a mutant takes one away."""

    unique_slot: bool = True  # one row holds a slot
    unique_ordinal: bool = True  # one row holds a resident's ordinal
    fence: bool = True  # a batch reads the epoch, and locks it until it is committed
    fenced_rebuild: bool = True  # a rebuild waits for the batches under way
    incarnation: bool = True  # another run of the gate is noticed, even with the right epoch
    ack_after_commit: bool = True  # residents are answered when it is lasting
    reaper: bool = True  # pending seats are settled by what the books hold
    waits_for_outcome: bool = True  # a seat of unknown outcome is not freed
    deterministic_ids: bool = True  # the same seat is the same voucher
    idempotent_script: bool = True  # the same request is given the same seat
    rebuild_knows_holders: bool = True  # a rebuild tells the gate who holds what
    same_transaction: bool = True  # money moves in the transaction of the rows


NAMES = tuple(one.name for one in fields(Protections))


def without(*names: str) -> Protections:
    """All protections but these. Raises KeyError for a name that is none."""
    for name in names:
        if name not in NAMES:
            raise KeyError(name)
    return replace(Protections(), **dict.fromkeys(names, False))
