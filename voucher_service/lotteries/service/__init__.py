"""Use cases of lotteries: planning, entering, the three parties, and what is published."""

from .checking import differences
from .entering import barred, draws, eligible, enter, forget, my_entry
from .parties import commit, reveal, void
from .planning import close_entries, open_entries, plan
from .reading import entries_file, for_staff, lottery, lottery_file, published, result_file

__all__ = [
    "barred",
    "close_entries",
    "commit",
    "differences",
    "draws",
    "eligible",
    "enter",
    "entries_file",
    "for_staff",
    "forget",
    "lottery",
    "lottery_file",
    "my_entry",
    "open_entries",
    "plan",
    "published",
    "result_file",
    "reveal",
    "void",
]
