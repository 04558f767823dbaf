"""Use cases of budgets: funders and funds, budgets and allotments, lines, caps, where it stands."""

from .capping import caps, check_caps, count, keep_unpublished, set_caps, uncount
from .folding import fold, folded, foreseen, free, settle, unfolded, unsettle
from .funders import create_funder, fund, funders, funds, moves
from .lines import add_line, covers, line_of, lines, reserve, send_home, shop_areas
from .moving import allot, appropriate, carry_over, hand_back, return_to_treasury
from .planning import (
    allotments,
    budget,
    budgets,
    check_budget,
    check_drawn,
    create_budget,
    sources,
)
from .standing import (
    Spot,
    Standing,
    budget_standing,
    budgets_standing,
    campaign_standing,
    fund_standing,
    funds_standing,
    line_standing,
)
from .topping import top_up, undo_top_up

__all__ = [
    "Spot",
    "Standing",
    "add_line",
    "allot",
    "allotments",
    "appropriate",
    "budget",
    "budget_standing",
    "budgets",
    "budgets_standing",
    "campaign_standing",
    "caps",
    "carry_over",
    "check_budget",
    "check_caps",
    "check_drawn",
    "count",
    "covers",
    "create_budget",
    "create_funder",
    "fold",
    "folded",
    "foreseen",
    "free",
    "fund",
    "fund_standing",
    "funders",
    "funds",
    "funds_standing",
    "hand_back",
    "keep_unpublished",
    "line_of",
    "line_standing",
    "lines",
    "moves",
    "reserve",
    "return_to_treasury",
    "send_home",
    "set_caps",
    "settle",
    "shop_areas",
    "sources",
    "top_up",
    "uncount",
    "undo_top_up",
    "unfolded",
    "unsettle",
]
