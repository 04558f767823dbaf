"""The pages of the admin face."""
