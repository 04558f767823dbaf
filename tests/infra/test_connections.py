"""Connections that were lost while they rested."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from voucher_service.infra import database
from voucher_service.infra.core import Core


def lose(engine: Engine) -> None:
    """Let the server end every connection that rests in the pool."""
    held = [engine.connect() for _ in range(3)]
    backends = [one.scalar(text("SELECT pg_backend_pid()")) for one in held]
    for one in held:
        one.close()
    with database.transaction(engine, {}) as session:
        mine = session.scalar(text("SELECT pg_backend_pid()"))
        for backend in backends:
            if backend != mine:
                session.execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": backend})


def ask(engine: Engine) -> list[int]:
    """What three transactions at once read."""
    held = [engine.connect() for _ in range(3)]
    try:
        return [one.execute(text("SELECT 1")).scalar_one() for one in held]
    finally:
        for one in held:
            one.close()


def test_who_comes_after_a_quiet_hour_is_not_told_that_the_server_was_restarted(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(core.engine)
    monkeypatch.setattr(database, "_RESTED_SECONDS", 0.0)
    assert ask(core.engine) == [1, 1, 1]
