"""Our books against each other, and the figures every report reads."""
