"""Two merchants with shops, managers and cashiers, for the tests of a module."""

from __future__ import annotations

import pytest

from tests.make import World
from tests.services.shops import Chain


@pytest.fixture(scope="module")
def chain(world: World) -> Chain:
    """A merchant with two shops."""
    return Chain(world)


@pytest.fixture(scope="module")
def rival(chain: Chain) -> Chain:
    """Another merchant."""
    return Chain(chain.world)
