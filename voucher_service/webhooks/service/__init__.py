"""Webhooks' commands and steps: endpoints, what they are told, and sending it."""

from .endpoints import add, endpoints, messages, remove, replay, switch_on
from .sending import due, forget, published_keys, send, want
from .spreading import spread

__all__ = [
    "add",
    "due",
    "endpoints",
    "forget",
    "messages",
    "published_keys",
    "remove",
    "replay",
    "send",
    "spread",
    "switch_on",
    "want",
]
