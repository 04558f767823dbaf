"""HTML pages: a form read with a schema, one command, a template."""
