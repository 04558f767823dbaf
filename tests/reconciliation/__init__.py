"""Campaigns over large books: what a count costs, beside a bare query over the same rows."""
