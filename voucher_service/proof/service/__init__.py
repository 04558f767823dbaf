"""Seal what was written, publish heads, prove, export."""

from .exporting import export
from .proving import consistency, inclusion
from .publishing import checkpoint_of, checkpoints, publish, publish_due, verifiers
from .sealing import behind, seal, state

__all__ = [
    "behind",
    "checkpoint_of",
    "checkpoints",
    "consistency",
    "export",
    "inclusion",
    "publish",
    "publish_due",
    "seal",
    "state",
    "verifiers",
]
