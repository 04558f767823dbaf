"""Goods: the library by GTIN, filed prices, what was really charged, and raise-then-cut."""
