"""`voucher`: the command of developers and operators. Each module brings some of its commands."""

from . import accounts, books, playing, proving, running, tills
from .base import main

__all__ = ["accounts", "books", "main", "playing", "proving", "running", "tills"]
from . import accounts, books, playing, policies, running, tills
from .base import main

__all__ = ["accounts", "books", "main", "playing", "policies", "running", "tills"]
