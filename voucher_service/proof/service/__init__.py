"""Seal what was written, publish heads, prove, export."""

from .comparing import differences, glance
from .exporting import export
from .forgetting import forget
from .proving import consistency, inclusion
from .publishing import checkpoint_of, checkpoints, publish, publish_due, verifiers
from .sealing import seal, state
from .watching import health, offer, watch, witness

__all__ = [
    "checkpoint_of",
    "checkpoints",
    "consistency",
    "differences",
    "export",
    "forget",
    "glance",
    "health",
    "inclusion",
    "offer",
    "publish",
    "publish_due",
    "seal",
    "state",
    "verifiers",
    "watch",
    "witness",
]
