"""Channels' files against our books."""
