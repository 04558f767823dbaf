"""Who may call what: every blueprint is registered beside its guard, and none without one."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint

from voucher_service.kernel.actor import Role


@dataclass(frozen=True, slots=True)
class Guard:
    """What a caller needs: nothing, to be signed in, or one of some roles.

    Not `loaded`: the token is checked and the account is not read; the command judges its standing.
    """

    signed_in: bool
    roles: frozenset[Role] = frozenset()
    loaded: bool = True


PUBLIC = Guard(signed_in=False)
SIGNED_IN = Guard(signed_in=True)
TOKEN = Guard(signed_in=True, loaded=False)


def any_of(*roles: Role) -> Guard:
    """A caller who is signed in and holds one of the roles."""
    return Guard(signed_in=True, roles=frozenset(roles))


@dataclass(frozen=True, slots=True)
class Guarded:
    """A blueprint and its guard, on one line of a face's app.py."""

    blueprint: Blueprint
    guard: Guard
