"""Planted fraud among honest purchases: what the signals of risk find, and what they cost."""
