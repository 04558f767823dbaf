"""Two merchants with shops, managers and cashiers, for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from tests.make import World
from tests.services.shops import Chain
from voucher_service.identity import passwords


@pytest.fixture(scope="module")
def chain(world: World) -> Iterator[Chain]:
    """A merchant with two shops; passwords are hashed quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(1, 8, 1))
        yield Chain(world)


@pytest.fixture(scope="module")
def rival(chain: Chain) -> Chain:
    """Another merchant."""
    return Chain(chain.world)
