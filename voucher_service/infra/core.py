"""What every command is given: the servers, the clock, the secrets and the outside services."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from voucher_service import settings as settings_module
from voucher_service.kernel.clock import Clock
from voucher_service.settings import Settings

from . import database
from . import redis as redis_module
from .secrets import Keyring
from .sms import SmsSender, sms_sender
from .verification import Verifier, verifier

_CORE = "core"


@dataclass(frozen=True)
class Core:
    """The first argument of every command."""

    settings: Settings = field(repr=False)
    clock: Clock

    @cached_property
    def engine(self) -> Engine:
        """PostgreSQL, as the application role."""
        return database.connect(self.settings.database)

    @cached_property
    def gate(self) -> redis.Redis:
        """The Redis that hands out slots."""
        return redis_module.connect(self.settings.gate.url, self.settings.gate.timeout_ms / 1000)

    @cached_property
    def keyring(self) -> Keyring:
        """Encryption, look-up hashes and signatures."""
        return Keyring(self.settings.secrets)

    @cached_property
    def sms(self) -> SmsSender:
        """Sends one-time codes and notices."""
        return sms_sender(self.settings.sms)

    @cached_property
    def verification(self) -> Verifier:
        """Says whether a name and an id number belong together."""
        return verifier(self.settings.verification)

    def transaction(self) -> AbstractContextManager[Session]:
        """One transaction; the block's end commits it. Raises TryAgain when PostgreSQL is away."""
        return database.transaction(self.engine, info={_CORE: self})

    def now(self, session: Session) -> datetime:
        """The instant of this command, by the server that decides it."""
        return database.now(session, self.clock)

    def close(self) -> None:
        """Give the connections back."""
        if "engine" in self.__dict__:
            self.engine.dispose()
        if "gate" in self.__dict__:
            self.gate.close()


def core_of(session: Session) -> Core:
    """The core whose transaction this is: for steps that need a setting or a key."""
    core: Core = session.info[_CORE]
    return core


def build(settings: Settings | None = None) -> Core:
    """The core that faces and jobs run on: real servers, the servers' clock."""
    return Core(settings or settings_module.load(), Clock())


def with_clock(core: Core, clock: Clock) -> Core:
    """The same core and connections on another clock: for tests, simulation and replays."""
    other = replace(core, clock=clock)
    other.__dict__.update({"engine": core.engine, "gate": core.gate, "keyring": core.keyring})
    return other
