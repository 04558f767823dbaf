"""Accounts of staff, and the keys that personal data is kept under."""

from __future__ import annotations

from pathlib import Path

import click

from voucher_service.identity.model import STAFF_ROLES

from .base import DATA, attached, main, plainly


@main.command("create-staff")
@click.argument("username")
@click.option("--name", required=True, help="The name that colleagues see.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([str(one) for one in STAFF_ROLES]),
)
@click.option("--area", default="", help="A division code; empty is the whole city.")
@click.password_option(help="Asked for when it is not given; 12 characters or more.")
@DATA
@plainly
def create_staff(
    username: str, name: str, roles: tuple[str, ...], area: str, password: str, data: Path
) -> None:
    """Open a staff account, the first one too."""
    from voucher_service.identity import service as identity
    from voucher_service.kernel.actor import SYSTEM, Role

    with attached(data) as (core, _):
        identity.create_staff(
            core,
            actor=SYSTEM,
            username=username,
            password=password,
            display_name=name,
            roles=[Role(one) for one in roles],
            area=area,
        )
    click.echo(f"{username} may sign in at the admin face")


@main.command("rotate-keys")
@DATA
@plainly
def rotate_keys(data: Path) -> None:
    """Bring personal data to the newest keys, after a new key was put first in the settings."""
    from voucher_service.identity import service as identity
    from voucher_service.merchants import service as merchants
    from voucher_service.tradein.applications import service as applications
    from voucher_service.tradein.revisions import service as revisions

    renewed = 0
    with attached(data) as (core, _):
        # Merchants first: their cashiers' identities are compared with the residents'.
        for rotate in (
            merchants.rotate_fields,
            applications.rotate_fields,
            revisions.rotate_fields,
            identity.rotate_fields,
        ):
            while count := rotate(core):
                renewed += count
    click.echo(f"{renewed:,} rows renewed; the old keys may be taken out of the settings")
