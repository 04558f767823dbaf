"""Residents and staff: who they are, how they sign in, and what of them is kept, encrypted."""
