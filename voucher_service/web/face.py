"""The three faces: who uses them, and what they are called in tokens and cookies."""

from __future__ import annotations

from enum import StrEnum

from voucher_service.kernel.actor import ActorKind


class Face(StrEnum):
    """One of the three web applications. Its value is the audience of its tokens."""

    RESIDENT = "resident"
    MERCHANT = "merchant"
    ADMIN = "admin"

    @property
    def cookie(self) -> str:
        """The cookie that carries the access token of a page's reader."""
        return f"voucher_{self.value}"

    @property
    def actor_kind(self) -> ActorKind:
        """What those who sign in here act as."""
        kinds = {Face.RESIDENT: ActorKind.RESIDENT, Face.MERCHANT: ActorKind.CASHIER}
        return kinds.get(self, ActorKind.STAFF)

    @property
    def keeps_sessions(self) -> bool:
        """Whether each token belongs to a session that can be ended alone.

        Residents' don't: all tokens of an account end at once.
        """
        return self is not Face.RESIDENT

    @property
    def shell(self) -> str:
        """The frame and stylesheet of its pages: `phone` or `console`."""
        return "console" if self is Face.ADMIN else "phone"
