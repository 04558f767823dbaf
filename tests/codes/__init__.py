"""Codes that were tampered with: none is ever read as a code of ours."""
