"""A merchant's objections to the books, and what became of them."""
