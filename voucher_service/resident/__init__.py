"""The resident face, as pages and as a public API: offers, claims, the wallet, the code to show."""
