"""API calls: a schema in, one command, a schema out."""
