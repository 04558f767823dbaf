"""Start it, bring its schema up to date, write what is written from the code."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from voucher_service import serving
from voucher_service import settings as settings_module

from .base import DATA, main, plainly


@main.command()
@click.option(
    "--port",
    type=int,
    default=8000,
    show_default=True,
    help="Resident face; merchant and admin follow.",
)
@click.option(
    "--demo/--no-demo", default=True, help="Load the demo and one hundredth of Yangjiang 2023."
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also written when all is ready.",
)
@DATA
@plainly
def dev(*, port: int, demo: bool, ready_file: Path | None, data: Path) -> None:
    """Start servers, faces and worker, and keep them running until Ctrl-C."""
    from voucher_service import showcase

    serving.dev(
        data, port, (lambda settings: showcase.load(settings, data)) if demo else None, ready_file
    )


@main.command()
@DATA
@plainly
def migrate(data: Path) -> None:
    """Bring the database to the newest schema."""
    from voucher_service import migrate as migrations

    with serving.servers(data) as addresses:
        if not addresses.database_owner_url:
            raise click.ClickException(
                "set VOUCHER__DATABASE__OWNER_URL: only the owner may migrate"
            )
        migrations.upgrade(addresses.database_owner_url)
    click.echo("the schema is current")


@main.command()
def assets() -> None:
    """Collect what pages load and papers are printed with out of node_modules."""
    from voucher_service import printing
    from voucher_service.web import assets as web_assets

    web_assets.collect()
    printing.collect_fonts()


@main.command()
@click.option("--check", is_flag=True, help="Fail when a page is stale, write nothing.")
@plainly
def docs(*, check: bool) -> None:
    """Write the pages of docs/ that come from the code: states.md and errors.md."""
    from voucher_service import docs as pages

    for name, text in (("states", pages.states()), ("errors", pages.errors())):
        path = Path("docs") / f"{name}.md"
        if not check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            raise click.ClickException(f"{path} is stale: run `voucher docs`")


@main.command()
@plainly
def config() -> None:
    """Print the settings in force, secrets left out."""
    values = asdict(settings_module.load())
    values["secrets"] = dict.fromkeys(values["secrets"], "…")
    for section in ("database", "gate", "queue"):
        values[section] = {
            k: "…" if k.endswith("url") and v else v for k, v in values[section].items()
        }
    click.echo(json.dumps(values, indent=2, ensure_ascii=False))
