"""Consumption vouchers and trade-in subsidies of a city, from budget to leverage ratio."""
