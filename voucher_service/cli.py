"""`voucher`: the one command of developers and operators."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from voucher_service import serving
from voucher_service import settings as settings_module
from voucher_service.infra import core as core_module
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import DomainError
from voucher_service.settings import Settings, SettingsError

F = TypeVar("F", bound=Callable[..., Any])
STAFF_ROLES = ["planner", "approver", "reviewer", "finance", "auditor"]
DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".voucher"),
    show_default=True,
    help="Directory of the data; attached to when it is being served,"
    " else started for the command.",
)


def _plainly(command: F) -> F:
    """Tell a person what is wrong in a sentence, not in a stack of calls."""

    @wraps(command)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (SettingsError, serving.ServingError) as error:
            raise click.ClickException(str(error)) from error
        except DomainError as error:
            from voucher_service.i18n import sentence

            raise click.ClickException(f"{sentence(error, 'en')} [{error.code}]") from error

    return cast(F, told)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A city's consumption vouchers, from budget to leverage ratio."""


@contextlib.contextmanager
def _serving(data: Path) -> Iterator[tuple[Core, Settings]]:
    with serving.servers(data) as addresses:
        settings = serving.settings_for(addresses, data)
        core = core_module.build(settings)
        try:
            yield core, settings
        finally:
            core.close()


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
@_plainly
def dev(*, port: int, demo: bool, ready_file: Path | None, data: Path) -> None:
    """Start servers, faces and worker, and keep them running until Ctrl-C."""
    from voucher_service import showcase

    serving.dev(
        data, port, (lambda settings: showcase.load(settings, data)) if demo else None, ready_file
    )


@main.command()
@DATA
@_plainly
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
    """Collect the browser libraries that the pages use out of node_modules."""
    from voucher_service.web import assets as web_assets

    web_assets.collect()


@main.command()
@click.argument("programme")
@click.option(
    "--scale", default="1", show_default=True, help="Part of the published totals, 0.001 to 1."
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Go on with a replay that was interrupted.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Default: .voucher/replays/NAME-SCALE-SEED",
)
@_plainly
def replay(*, programme: str, scale: str, seed: int, resume: bool, data: Path | None) -> None:
    """Play a published programme through the real services and print its leverage."""
    from voucher_service.replay import driver
    from voucher_service.replay.driver import ReplayRefused

    try:
        wanted = driver.prepare(programme, scale=scale, seed=seed)
        name = f"{wanted.plan.programme.slug}-{scale}-{seed}"
        folder = data or Path(".voucher/replays") / name
        with _serving(folder) as (core, settings):
            driver.run(core, settings, wanted, folder, resume=resume)
            click.echo(driver.report(core, wanted))
    except ReplayRefused as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option("--seeds", type=int, default=1_000, show_default=True, help="How many histories.")
@click.option("--from", "first", type=int, default=0, show_default=True, help="The first seed.")
@click.option("--processes", type=int, default=2, show_default=True)
@click.option("--mutant", default="", help="Protections to take away, parted by commas.")
@click.option("--mutants", is_flag=True, help="Take each away, alone and in pairs; a table.")
@click.option("--check-fakes", type=int, default=0, help="Compare fakes and real servers so often.")
@DATA
@_plainly
def simulate(*, seeds: int, first: int, data: Path, check_fakes: int, **wanted: Any) -> None:
    """Play claims under faults on simulated servers; fails when a promise is broken."""
    try:
        from voucher_service.simulation import running
    except ModuleNotFoundError as error:
        raise click.ClickException("needs the extra `dev`: pip install -e '.[dev]'") from error

    span = range(first, first + seeds)
    if check_fakes:
        with _serving(data / "fakes") as (core, _):
            lines, passed = running.check_fakes(core, range(first, first + check_fakes))
    else:
        lines, passed = running.simulate(span, folder=data, **wanted)
    for line in lines:
        click.echo(line)
    if not passed:
        raise SystemExit(1)


@main.command()
@click.option("--programme", default="big", show_default=True, help="The slug of a new programme.")
@click.option("--vouchers", type=click.IntRange(200), default=1_000_000, show_default=True)
@click.option("--merchants", type=click.IntRange(40), default=20_000, show_default=True)
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True)
@click.option("--redeemed", type=click.FloatRange(0, 1), default=0.7, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--open", "open_offer", is_flag=True, help="Leave one offer open, its gate filled.")
@DATA
@_plainly
def synthesise(*, data: Path, **wanted: Any) -> None:
    """Load a large book of invented people by COPY; `verify` accepts it. Development only."""
    from voucher_service.synthesis import book

    with _serving(data) as (core, _):
        click.echo(book.make(core, book.Wanted(**wanted), say=click.echo).sentence)


@main.group()
def report() -> None:
    """Reports of what the reconciliation has worked out."""


@report.command()
@click.option("--programme", required=True)
@click.option(
    "--group-by",
    type=click.Choice(["campaign", "area", "trade", "day", "funder", "merchant_size"]),
    default="campaign",
    show_default=True,
)
@click.option(
    "--basis", type=click.Choice(["period", "cohort"]), default="period", show_default=True
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv", "xlsx"]),
    default="table",
    show_default=True,
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: standard output."
)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True)
@DATA
@_plainly
def leverage(
    programme: str, group_by: str, basis: str, format_: str, out: Path | None, lang: str, data: Path
) -> None:
    """Issued against leveraged spending: gross, net, and the mechanical floor."""
    from voucher_service.reports import deliver

    with _serving(data) as (core, _):
        content = deliver.leverage(
            core,
            programme=programme,
            group_by=group_by,
            basis=basis,
            format_=format_,
            locale="zh_Hans_CN" if lang == "zh" else "en",
        )
    if out is not None:
        out.write_bytes(content)
    elif format_ == "xlsx":
        raise click.ClickException("a workbook needs --out FILE")
    else:
        sys.stdout.buffer.write(content)


@main.command()
@click.option("--programme", help="Default: every programme.")
@click.option("--wait-seconds", type=int, default=120, show_default=True)
@DATA
@_plainly
def reconcile(programme: str | None, wait_seconds: int, data: Path) -> None:
    """Ring the reconciliation job and wait for it."""
    from voucher_service.infra import outbox
    from voucher_service.jobs import runtime
    from voucher_service.reconciliation import service as reconciliation

    with serving.servers(data) as addresses:
        settings = serving.settings_for(addresses, data)
        core = core_module.build(settings)
        keys = reconciliation.ask(core, programme=programme)
        deadline = time.monotonic() + wait_seconds
        for key in keys:
            if not addresses.attached:
                runtime.do(core, key)  # nobody else serves this directory
            while True:
                with core.transaction() as session:
                    if outbox.served(session, key=key):
                        break
                if time.monotonic() > deadline:
                    raise click.ClickException(
                        f"{key} is not done after {wait_seconds} s; it stays in the list"
                    )
                time.sleep(0.2)
        core.close()
    click.echo(
        f"reconciled: {', '.join(key.removeprefix('reconcile:') for key in keys) or 'nothing'}"
    )


@main.command("dev-tokens")
@click.option("--face", type=click.Choice(["resident"]), required=True)
@click.option("--count", type=click.IntRange(1, 200_000), required=True)
@DATA
@_plainly
def dev_tokens(face: str, count: int, data: Path) -> None:
    """Make new real-named residents and print their tokens, one a line. Development only."""
    from voucher_service.identity import service as identity
    from voucher_service.replay.strangers import strangers
    from voucher_service.web.auth import issue
    from voucher_service.web.face import Face

    if settings_module.load().production:
        raise click.ClickException("refused: VOUCHER_ENV=production")
    made, people = 0, strangers(random.SystemRandom())
    with _serving(data) as (core, _):
        with core.transaction() as session:
            now = core.now(session)
        while made < count:
            batch = list(itertools.islice(people, min(5_000, count - made)))
            unique = list({one.mobile: one for one in batch}.values())
            for id in identity.register_synthetic(core, people=unique, now=now):
                print(issue(core, Face(face), id).access_token)
                made += 1


@main.command()
@DATA
@_plainly
def verify(data: Path) -> None:
    """Check the books: every invariant of the ledger and the quotas. Exit 1 names each breach."""
    from voucher_service.reports import verification

    with _serving(data) as (core, _):
        found = verification.verify(core)
    for breach in found.breaches:
        click.echo(f"{breach.invariant}: {breach.detail}")
    if found.breaches:
        sys.exit(1)
    click.echo(found.sentence)


@main.command()
@click.option("--check", is_flag=True, help="Fail when a page is stale, write nothing.")
@_plainly
def docs(*, check: bool) -> None:
    """Write the pages of docs/ that come from the code: states.md and errors.md."""
    from voucher_service import docs as pages

    for name, text in (("states", pages.states()), ("errors", pages.errors())):
        path = Path("docs") / f"{name}.md"
        if not check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            raise click.ClickException(f"{path} is stale: run `voucher docs`")


@main.command("create-staff")
@click.argument("username")
@click.option("--name", required=True, help="The name that colleagues see.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(STAFF_ROLES))
@click.option("--area", default="", help="A division code; empty is the whole city.")
@click.password_option(help="Asked for when it is not given; 12 characters or more.")
@DATA
@_plainly
def create_staff(
    username: str, name: str, roles: tuple[str, ...], area: str, password: str, data: Path
) -> None:
    """Open a staff account, the first one too."""
    from voucher_service.identity import service as identity
    from voucher_service.kernel.actor import SYSTEM, Role

    with _serving(data) as (core, _):
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
@_plainly
def rotate_keys(data: Path) -> None:
    """Bring personal data to the newest keys, after a new key was put first in the settings."""
    from voucher_service.identity import service as identity
    from voucher_service.merchants import service as merchants

    renewed = 0
    with _serving(data) as (core, _):
        # Merchants first: their cashiers' identities are compared with the residents'.
        for rotate in (merchants.rotate_fields, identity.rotate_fields):
            while count := rotate(core):
                renewed += count
    click.echo(f"{renewed:,} rows renewed; the old keys may be taken out of the settings")


@main.command()
@_plainly
def config() -> None:
    """Print the settings in force, secrets left out."""
    from dataclasses import asdict

    values = asdict(settings_module.load())
    values["secrets"] = dict.fromkeys(values["secrets"], "…")
    for section in ("database", "gate", "queue"):
        values[section] = {
            k: "…" if k.endswith("url") and v else v for k, v in values[section].items()
        }
    click.echo(json.dumps(values, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
