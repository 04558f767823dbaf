"""Settlement, from the draft to the bank's answer."""
