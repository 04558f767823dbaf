"""The town of the tests of trade-in."""

from __future__ import annotations

import pytest

from tests.tradein.town import Town, open_town
from voucher_service.infra.core import Core


@pytest.fixture(scope="module", autouse=True)
def rules_in_force() -> None:
    """As they ship: these tests have a day of their own."""


@pytest.fixture
def town(core: Core, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town of a test's own."""
    return open_town(core, monkeypatch)
