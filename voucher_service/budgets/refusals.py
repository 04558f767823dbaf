"""What budgets refuse."""

from __future__ import annotations

from voucher_service.kernel.errors import Conflict, Unprocessable


class FunderUnknown(Unprocessable):
    """There is no funder of that code."""

    code = "funder_unknown"


class FundUnknown(Unprocessable):
    """There is no such fund for this reader."""

    code = "fund_unknown"


class LineExists(Conflict):
    """The funder has a line in this campaign already."""

    code = "budget_line_exists"


class SharesNotWhole(Unprocessable):
    """The shares of a campaign's lines do not add up to 10,000 basis points."""

    code = "shares_not_whole"


class FallbackNeeded(Unprocessable):
    """A line of a shop area needs a fallback line for all shops, which pays when it is used up."""

    code = "fallback_needed"


class AreaSharesTooLarge(Unprocessable):
    """The lines of one shop area bear more than the fallback line whose part they take."""

    code = "area_shares_too_large"


class BudgetShort(Unprocessable):
    """A line, or the budget it draws on, holds less than the offers could cost it."""

    code = "budget_short"


class BudgetNotFound(Unprocessable):
    """No budget of this programme and area goes by that name for this planner."""

    code = "budget_not_found"


class BudgetNeeded(Unprocessable):
    """The programme has a frame, so its campaigns draw on one of its budgets."""

    code = "budget_needed"


class BudgetExists(Conflict):
    """The programme has a budget for this area already."""

    code = "budget_exists"


class BudgetAreaInvalid(Unprocessable):
    """A part of a budget is for an area inside the parent's."""

    code = "budget_area_invalid"


class AllotmentMissing(Unprocessable):
    """The budget was given no money of that funder and purpose."""

    code = "allotment_missing"


class CapReached(Unprocessable):
    """On one of the days or months more could be issued than a cap allows."""

    code = "cap_reached"


class CampaignCapReached(Unprocessable):
    """A campaign could issue more than a cap allows one campaign."""

    code = "campaign_cap_reached"


class CapBelowPlanned(Unprocessable):
    """More is planned already than the cap would allow."""

    code = "cap_below_planned"
