"""`voucher`: the command of developers and operators. Each module brings some of its commands."""

from . import accounts, books, packs, playing, policies, proving, running, tills
from . import accounts, backups, books, playing, policies, proving, running, tills
from .base import main

__all__ = [
    "accounts",
    "books",
    "main",
    "packs",
    "backups",
    "books",
    "main",
    "playing",
    "policies",
    "proving",
    "running",
    "tills",
]
