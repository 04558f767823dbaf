"""Maker and checker: a frozen payload, signed by others, executed once."""
