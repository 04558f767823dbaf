"""The API of the admin face: one module per resource."""
