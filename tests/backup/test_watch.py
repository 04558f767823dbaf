"""The alarms about backups, from what the database knows of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from voucher_service.alarms import service as alarms
from voucher_service.backup import service
from voucher_service.backup.folder import Folder
from voucher_service.backup.model import Manifest
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.ids import new_id

AUDITOR = Actor(ActorKind.STAFF, new_id(), frozenset({Role.AUDITOR}))


def wanting(core: Core, hours: int) -> Core:
    database = replace(core.settings.database, backup_hours=hours)
    made = replace(core, settings=replace(core.settings, database=database))
    made.__dict__.update({"engine": core.engine, "gate": core.gate, "keyring": core.keyring})
    return made


def taken(core: Core, name: str, age: timedelta) -> None:
    with core.transaction() as session:
        now = core.now(session)
    facts = dict.fromkeys(Manifest.__dataclass_fields__)
    made = Manifest(**{**facts, "name": name, "ended_at": now - age, "files": {"a": (1, "")}})
    service.note(core, Folder(Path("/backups")), made)


def subjects(core: Core) -> list[str]:
    found = alarms.page(core, actor=AUDITOR, still_open=True, cursor=None, limit=10).items
    return [one.subject for one in found]


def test_a_backup_that_is_missing_or_old_is_an_alarm_until_one_is_taken(core: Core) -> None:
    watch, strict = service.Watch(), wanting(core, 26)
    assert service.Watch()(core) == 0  # nobody asked for backups here
    watch(strict)
    assert subjects(core) == [service.NEVER]
    taken(core, "old", timedelta(hours=30))
    watch(strict)
    assert subjects(core) == [service.OLD]
    with core.transaction() as session:
        assert (
            session.scalar(text("SELECT detail ->> 'hours' FROM alarm WHERE subject = 'old'"))
            == "30"
        )
    taken(core, "new", timedelta(0))
    watch(strict)
    assert subjects(core) == []
