"""Claim, wallet, code, expiry."""
