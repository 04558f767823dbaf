"""The outside world: servers, secrets, files. Knows no feature."""
