"""Empty Flask: one route, no extension, an empty 200."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/")
def nothing() -> str:
    """Nothing."""
    return ""
