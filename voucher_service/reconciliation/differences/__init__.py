"""Our lines against a payment channel's or a till's file: imports, differences, corrections."""
