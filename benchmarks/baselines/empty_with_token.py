"""Empty Flask that checks a resident's token, and nothing else."""

from __future__ import annotations

from flask import Flask, Response

from .plain import bearer, refused

app = Flask(__name__)


@app.get("/")
def nothing() -> str | Response:
    """Nothing, for those who are signed in."""
    return refused() if bearer("resident") is None else ""
