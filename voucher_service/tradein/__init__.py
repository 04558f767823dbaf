"""Trade-in (以旧换新): dated policies, and the subsidy they pay."""
