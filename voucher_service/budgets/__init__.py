"""Whose money: funders, the lines they give to a campaign, and what is reserved for an offer."""
