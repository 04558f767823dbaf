"""Tills of merchants' own systems: keys, and the requests they sign."""
