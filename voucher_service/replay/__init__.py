"""A published programme played again: its file, its targets, every claim and order."""
