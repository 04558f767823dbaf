"""Words every feature uses. Standard library only."""
