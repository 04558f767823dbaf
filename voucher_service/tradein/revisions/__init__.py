"""Past decisions made again by a later policy, and what a draft would have cost."""
