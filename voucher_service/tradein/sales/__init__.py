"""Sales of subsidised units at a till: which unit, at what price, with which subsidy."""
