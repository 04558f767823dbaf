"""`voucher`: the command of developers and operators. Each module brings some of its commands."""

from . import (
    accounts,
    backups,
    books,
    matching,
    outcomes,
    packs,
    playing,
    policies,
    proving,
    retail,
    running,
    settling,
    tills,
)
from .base import main

__all__ = [
    "accounts",
    "backups",
    "books",
    "main",
    "matching",
    "outcomes",
    "packs",
    "playing",
    "policies",
    "proving",
    "retail",
    "running",
    "settling",
    "tills",
]
