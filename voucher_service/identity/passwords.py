"""Passwords of people who sign in by name: argon2id, and equal work whether or not they exist."""

from __future__ import annotations

import os
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .model import PASSWORD_LENGTH, PasswordTooShort

_HASHER = PasswordHasher()


def hashed(password: str, *, demo: bool) -> str:
    """The hash to store. Raises PasswordTooShort; a demonstration login may have a short one."""
    if len(password) < PASSWORD_LENGTH and not demo:
        raise PasswordTooShort(length=PASSWORD_LENGTH)
    return _HASHER.hash(_bytes(password))


def match(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Without a stored hash it takes as long to say no."""
    try:
        return _HASHER.verify(stored or _nobody(), _bytes(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _HASHER.hash(os.urandom(16))


def _bytes(password: str) -> bytes:
    # JSON can carry half a surrogate pair, which plain UTF-8 refuses to encode.
    return password.encode("utf-8", "surrogatepass")
