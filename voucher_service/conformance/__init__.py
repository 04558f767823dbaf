"""Plays a till against a server and says what it does not do as the contract says."""
