"""The resident face: offers, claims, the wallet and the code at the till; pages and a public API."""
