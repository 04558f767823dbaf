"""The face of shops: sign in, redeem, look an order up, the day's lines."""
