"""The pages of residents: they read and claim without scripts, which only make them quicker."""
