"""What is handed to the treasury with a batch: ten documents in one zip, with their hashes."""
