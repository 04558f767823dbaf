"""Programmes, campaigns, offers and their releases: what is issued, when, to be spent where."""
