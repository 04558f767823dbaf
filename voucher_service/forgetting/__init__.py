"""Persons who ask to be forgotten: when that may be, and what goes."""
