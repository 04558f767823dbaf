"""Vouchers given to the residents or households of a list, without a race."""
