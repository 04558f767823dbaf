"""`voucher`: the command of developers and operators. Each module brings some of its commands."""

from . import accounts, books, matching, playing, policies, proving, running, tills
from .base import main

__all__ = [
    "accounts",
    "books",
    "main",
    "matching",
    "playing",
    "policies",
    "proving",
    "running",
    "tills",
]
