"""What the tests of identity share: a city at noon, invented people, and their way in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.make import JIANGCHENG
from tests.people import newcomer
from voucher_service.identity import service as identity
from voucher_service.identity.model import Resident
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Evidence, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import StaffId, new_id
from voucher_service.settings import Sms

NOON = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@contextmanager
def city_at_noon(core: Core, folder: Path) -> Iterator[Core]:
    """A core whose clock stands at noon of the first of May, and whose messages go to a file."""
    sms = Sms("development", str(folder / "sms.jsonl"))
    made = Core(replace(core.settings, sms=sms), Clock(NOON))
    yield made
    made.close()


def later(city: Core, **step: int) -> None:
    """Move the city's clock on."""
    assert city.clock.at is not None
    city.clock.set(city.clock.at + timedelta(**step))


def a_mobile() -> str:
    """A mobile nobody else in the suite has."""
    return newcomer().mobile


def an_id_number() -> str:
    """A resident id of 江城区 that nobody else in the suite has."""
    return newcomer(born_in=JIANGCHENG).id_number


def a_login() -> str:
    """A username nobody else in the suite has."""
    return f"u-{new_id().hex[-20:]}"


def last_code(city: Core) -> str:
    """The one-time code of the last message."""
    lines = Path(city.settings.sms.outbox).read_text("utf-8").splitlines()
    return str(json.loads(lines[-1])["code"])


def signed_in(city: Core, mobile: str | None = None) -> Resident:
    """A resident who asked for a code and typed it in."""
    number = mobile or a_mobile()
    identity.request_code(city, mobile=number)
    return identity.sign_in(city, mobile=number, code=last_code(city), evidence=Evidence())


def acting(resident: Resident) -> Actor:
    """The resident as an actor."""
    return Actor(ActorKind.RESIDENT, resident.id)


def verify(city: Core, resident: Resident, number: str, name: str = "林晓") -> Resident:
    """The resident with a real name."""
    return identity.verify_identity(
        city, actor=acting(resident), name=name, id_number=number, consent_version="2026-01"
    )


def a_staff(city: Core, **changes: object) -> tuple[str, StaffId]:
    """The username and id of a new planner of 江城区."""
    details: dict[str, object] = {
        "username": a_login(),
        "password": PASSWORD,
        "display_name": "陈工",
        "roles": [Role.PLANNER],
        "area": "441702",
        **changes,
    }
    found = identity.create_staff(city, actor=SYSTEM, **details)  # type: ignore[arg-type]
    return found.username, found.id
