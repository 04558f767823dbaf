"""The trunk of every refusal: eight kinds. Leaves live in the features' `model.py`.

A leaf inherits exactly one kind and has a unique `code`. What it carries:
`params` fill the sentence for the reader, `extra` joins the machine-readable answer.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """Something the domain refuses, with a stable code."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        *,
        extra: dict[str, Any] | None = None,
        retry_after_seconds: int | None = None,
        **params: Any,
    ) -> None:
        super().__init__(self.code, params)
        self.params = params
        self.extra = extra or {}
        self.retry_after_seconds = retry_after_seconds


class Malformed(DomainError):
    """The request can't be read (400)."""


class Unauthenticated(DomainError):
    """We don't know who asks (401)."""


class Forbidden(DomainError):
    """We know who asks, and they may not (403)."""


class NotFound(DomainError):
    """There is no such thing for this reader (404)."""


class Conflict(DomainError):
    """The state of things forbids it now (409, 410 when it is gone for good, 428 when a step of the
    caller's comes first).
    """

    gone: ClassVar[bool] = False
    unmet: ClassVar[bool] = False


class Unprocessable(DomainError):
    """Readable, but a rule refuses the content (422)."""


class TooMany(DomainError):
    """Too often; try after `retry_after_seconds` (429)."""

    retryable = True


class Unavailable(DomainError):
    """We can't tell or can't do it now; nothing was lost, try again (503)."""

    retryable = True


KINDS: tuple[type[DomainError], ...] = (
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    Unprocessable,
    TooMany,
    Unavailable,
)


class TryAgain(Unavailable):
    """The outcome is unknown or a server is away; the same request again will give the answer."""

    code = "try_again"


class NoSuchThing(NotFound):
    """Nothing here by that name for this reader."""

    code = "not_found"


class NotAllowed(Forbidden):
    """The reader's role or area does not cover this."""

    code = "not_allowed"


class InvalidInput(Unprocessable):
    """A field's content breaks a rule; `extra["errors"]` names the fields."""

    code = "invalid_input"
