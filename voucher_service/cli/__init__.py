"""`voucher`: the command of developers and operators. Each module brings some of its commands."""

from . import accounts, books, outcomes, playing, policies, proving, running, tills
from .base import main

__all__ = [
    "accounts",
    "books",
    "main",
    "outcomes",
    "playing",
    "policies",
    "proving",
    "running",
    "tills",
]
