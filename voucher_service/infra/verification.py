"""Real-name verification, through an adapter, so that nobody can register in a stranger's name."""

from __future__ import annotations

from enum import StrEnum

from voucher_service.kernel.errors import Unavailable
from voucher_service.settings import Verification


class VerificationUnavailable(Unavailable):
    """The verification service gives no answer now."""

    code = "verification_unavailable"


class Match(StrEnum):
    """What the service says of a name and a number."""

    SAME = "same"
    DIFFERENT = "different"


class Verifier:
    """Verifies nobody: the adapter `none`. A provider's adapter overrides `verify`."""

    def verify(self, *, document: str, name: str, number: str) -> Match:
        """Whether the name and the number belong together. Raises VerificationUnavailable."""
        raise VerificationUnavailable(retry_after_seconds=60)


class DevelopmentVerifier(Verifier):
    """Accepts whatever is well formed."""

    def verify(self, *, document: str, name: str, number: str) -> Match:
        return Match.SAME


def verifier(settings: Verification) -> Verifier:
    """The verifier that the settings name."""
    return DevelopmentVerifier() if settings.adapter == "development" else Verifier()
