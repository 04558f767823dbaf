"""Which faults have met which steps, out of all that can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .faults import Fault
from .stand import possible

Cell = tuple[str, Fault]
_WRITES = ("begin", "standings", "by_key", "by_id", "fence", "insert", "post", "commit")
# Every step of every flow. A step that is made and is not named here fails the sweep.
STEPS: Mapping[str, tuple[str, ...]] = {
    "claim": ("read", "ask", *_WRITES, "settle", "begin read", "holding", "commit read", "seats"),
    "rebuild": (
        *("fence", "declared"),
        *("lock", "incarnation", "begin", "raise_epoch", "set_run_id", "offer", "load", "commit"),
        *("activate", "unlock"),
    ),
    "reaper": ("read", "now", "pending", "begin read", "held", "commit read", "settle"),
    "watch": ("read", "look", "answering"),
    "lapse": ("begin", "expire", "served", "commit"),
    "drift": ("read", "begin read", "compare", "commit read"),
}
NAMES = frozenset(f"{where}.{what}" for where, steps in STEPS.items() for what in steps)
# The drift audit runs in the calm after a storm only, to repair what the storm left.
ALL: frozenset[Cell] = frozenset(
    (name, fault) for name in NAMES if not name.startswith("drift") for fault in possible(name)
)
# Steps that few histories come to are struck more often, so that no cell stays empty for long.
_RARITY: Mapping[str, float] = {
    **dict.fromkeys(("claim.read", "claim.ask", "watch.look", "watch.read"), 0.4),
    **dict.fromkeys(("reaper.read", "reaper.now", "reaper.pending"), 0.4),
    **dict.fromkeys(("claim.by_id", "claim.holding", "claim.begin read"), 12.0),
    **dict.fromkeys(("claim.commit read", "rebuild.fence", "rebuild.declared"), 20.0),
    **dict.fromkeys(("claim.seats", "watch.answering"), 40.0),
    "reaper.begin read": 6.0,
    "reaper.held": 12.0,
    "reaper.commit read": 20.0,
    "reaper.settle": 40.0,
    **dict.fromkeys(("lapse.expire", "lapse.served"), 20.0),
}


def rarity(step: str) -> float:
    """How much more often than others a step is struck."""
    return _RARITY.get(step, 2.0)


def empty(hit: Counter[Cell]) -> list[Cell]:
    """Cells that nothing hit."""
    return sorted(ALL - hit.keys())
