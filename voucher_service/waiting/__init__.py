"""What stands before a claim where an offer asks for it: a line, and a small puzzle."""
