"""The bureau's desk for the tests of a module."""

from __future__ import annotations

import pytest

from tests.faces.admin_desk import Desk
from tests.make import World


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    """The admin face on the module's city."""
    return Desk(world)
