"""Channels' files against our books; campaigns over large books: what a count costs."""
