"""Seal what was written, publish heads, prove, export."""

from .comparing import differences
from .exporting import export
from .forgetting import forget
from .proving import consistency, inclusion
from .publishing import checkpoint_of, checkpoints, publish, publish_due, verifiers
from .sealing import behind, seal, state

__all__ = [
    "behind",
    "checkpoint_of",
    "checkpoints",
    "consistency",
    "differences",
    "export",
    "forget",
    "inclusion",
    "publish",
    "publish_due",
    "seal",
    "state",
    "verifiers",
]
