"""The three faces: who uses them, and what they are called in tokens and cookies."""

from __future__ import annotations

from enum import StrEnum


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
    def shell(self) -> str:
        """The frame and stylesheet of its pages: `phone` or `console`."""
        return "console" if self is Face.ADMIN else "phone"
