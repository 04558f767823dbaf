"""What a running face knows about itself, for views, guards and templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast
from uuid import UUID

from flask import current_app

from voucher_service.infra.core import Core
from voucher_service.infra.signatures import Message
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of

from .assets import Assets
from .face import Face
from .guards import Guard


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says: whose it is, which session it belongs to, when it was made."""

    subject: UUID
    session: UUID
    issued_at: datetime


Loader = Callable[[Core, Claims], Actor | None]
"""Loads the actor a token speaks for; None when there is none any more."""
Signer = Callable[[Core, Message], Actor]
"""Finds the actor whose key signed a request. Raises Unauthenticated leaves."""


@dataclass(frozen=True)
class Site:
    """One face at work."""

    face: Face
    core: Core
    loader: Loader
    guards: Mapping[str, Guard]
    sign_in_path: str
    assets: Assets
    signer: Signer | None = None


def site() -> Site:
    """The face that answers this request."""
    return cast(Site, current_app.extensions["voucher"])


def core() -> Core:
    """The core to hand to commands."""
    return site().core


def now() -> datetime:
    """The instant that pages count from: for showing only, commands ask the servers."""
    return core().clock.at or datetime.now(UTC)


def today() -> date:
    """The business day that pages are written on."""
    return day_of(now())
