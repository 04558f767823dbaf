"""For vendors of till systems: a key at the sandbox's shop, and the check of the contract."""

from __future__ import annotations

from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from voucher_service.conformance.command import pos_check, private_key

from .base import DATA, attached, main, plainly

main.add_command(pos_check)


@main.command()
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("till.pem"),
    show_default=True,
    help="The till's private key; made where there is none.",
)
@DATA
@plainly
def sandbox(key_file: Path, data: Path) -> None:
    """Register a new till at the sandbox's shop. Development only; the demo brings the sandbox."""
    from voucher_service.sandbox import loading
    from voucher_service.tills import service as tills

    private = key_at(key_file)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with attached(data) as (core, settings):
        manager = loading.manager(core)
        if manager is None:
            raise click.ClickException("no sandbox here: start with the demo, `voucher dev --demo`")
        made = tills.register(core, actor=manager, name="沙箱收银机", public_key=public.decode())
    face = settings.pos.origin or f"http://127.0.0.1:{settings.web.port + 1}"
    click.echo(f"voucher pos-check {face} --key {key_file} --keyid {made.id}")


def key_at(path: Path) -> Ed25519PrivateKey:
    """The private key in a file, which is made where there is none. Raises ClickException."""
    if path.exists():
        return private_key(path)
    made = Ed25519PrivateKey.generate()
    path.touch(0o600)
    path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made
