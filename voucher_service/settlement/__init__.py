"""What merchants and residents are owed, in batches, down to the lines of the bank."""
