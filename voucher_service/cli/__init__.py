"""`voucher`: the command of developers and operators. Each module brings some of its commands."""

from . import accounts, books, playing, policies, proving, running, settling, tills
from .base import main

__all__ = [
    "accounts",
    "books",
    "main",
    "playing",
    "policies",
    "proving",
    "running",
    "settling",
    "tills",
]
