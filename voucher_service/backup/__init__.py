"""Copies of the database that outlive its disk: base backups, and every byte written since."""
