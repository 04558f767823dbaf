"""Serving a data directory: attach or start, and the one command that keeps all of it up."""

from .addresses import (
    Addresses,
    ServingError,
    environment_for,
    expect_fitting,
    servers,
    settings_for,
)
from .dev import Login, dev

__all__ = [
    "Addresses",
    "Login",
    "ServingError",
    "dev",
    "environment_for",
    "expect_fitting",
    "servers",
    "settings_for",
]
