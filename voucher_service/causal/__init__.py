"""Causal leverage: data from outside, and what a redeemed yuan changed, with its interval."""
