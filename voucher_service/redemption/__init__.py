"""The till: a voucher spent on one order at one shop."""
