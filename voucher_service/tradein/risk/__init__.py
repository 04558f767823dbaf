"""Which sales and applications deserve a person's look, and why. Nothing is refused by it."""
