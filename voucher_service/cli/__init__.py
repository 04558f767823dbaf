"""`voucher`: the command of developers and operators. Each module brings some of its commands."""

from . import (
    accounts,
    backups,
    books,
    outcomes,
    packs,
    playing,
    policies,
    proving,
    running,
    tills,
)
from .base import main

__all__ = [
    "accounts",
    "backups",
    "books",
    "main",
    "outcomes",
    "packs",
    "playing",
    "policies",
    "proving",
    "running",
    "tills",
]
