"""The public API of residents, one module per resource."""
