"""A served merchant face with a sandbox, and a till that is registered there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from merchant_portal.app import create_app
from tests.faces.own_till import public
from tests.make import World
from tests.web.serving import serving
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Role
from voucher_service.sandbox import loading
from voucher_service.tills import service as tills

FREEZE_SECONDS = 2


@dataclass(frozen=True)
class Stand:
    """Where the face is, and the till's key."""

    url: str
    key: Path
    key_id: str


@contextmanager
def stand(world: World, folder: Path) -> Iterator[Stand]:
    """One at work. Freezes there are over in two seconds."""
    quick = replace(world.core.settings.till, freeze_seconds=FREEZE_SECONDS)
    core = replace(world.core, settings=replace(world.core.settings, till=quick))
    core.__dict__.update({"engine": world.core.engine, "gate": world.core.gate})
    approvers = [world.staff(Role.APPROVER) for _ in range(2)]
    manager = loading.load(core, planner=world.planner, approvers=approvers)
    with serving(create_app(core)) as url:
        yield Stand(url, *registered(core, manager, folder))


def registered(core: Core, manager: object, folder: Path) -> tuple[Path, str]:
    """The key file and the key id of a new till."""
    private, file = Ed25519PrivateKey.generate(), folder / "till.pem"
    made = tills.register(
        core,
        actor=manager,  # type: ignore[arg-type]
        name="沙箱收银机",
        public_key=public(private),
    )
    file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file, str(made.id)
