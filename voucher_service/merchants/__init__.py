"""Merchants, their shops and their cashiers."""
