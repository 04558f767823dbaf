"""A shop and offers to try a till on: they count nowhere."""
