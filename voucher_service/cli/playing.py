"""Invented people: replays, simulated histories, large books, tokens. Development only."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import click

from voucher_service import settings as settings_module

from .base import DATA, attached, main, plainly


@main.command()
@click.argument("programme")
@click.option(
    "--scale", default="1", show_default=True, help="Part of the published totals, 0.001 to 1."
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Go on with a replay that was interrupted.")
@click.option("--settle", is_flag=True, help="Then pay merchants through a played bank; a trace.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Default: .voucher/replays/NAME-SCALE-SEED",
)
@plainly
def replay(
    *, programme: str, scale: str, seed: int, resume: bool, settle: bool, data: Path | None
) -> None:
    """Play a published programme through the real services and print its leverage."""
    from voucher_service.replay import driver, settling
    from voucher_service.replay.driver import ReplayRefused
    from voucher_service.replay.settling import Untraced

    try:
        wanted = driver.prepare(programme, scale=scale, seed=seed)
        name = f"{wanted.plan.programme.slug}-{scale}-{seed}"
        folder = data or Path(".voucher/replays") / name
        with attached(folder) as (core, settings):
            driver.run(core, settings, wanted, folder, resume=resume)
            click.echo(driver.report(core, wanted))
            if settle:
                of = wanted.plan.programme
                found = settling.settle(
                    core,
                    programme=of.slug,
                    closes_on=of.closes_on,
                    cashiers=driver.cashiers(folder),
                    seed=seed,
                )
                click.echo(settling.text(found))
    except (ReplayRefused, Untraced) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option("--seeds", type=int, default=1_000, show_default=True, help="How many histories.")
@click.option("--from", "first", type=int, default=0, show_default=True, help="The first seed.")
@click.option("--processes", type=int, default=2, show_default=True)
@click.option("--mutant", default="", help="Protections to take away, parted by commas.")
@click.option("--mutants", is_flag=True, help="Take each away, alone and in pairs; a table.")
@click.option("--check-fakes", type=int, default=0, help="Compare fakes and real servers so often.")
@DATA
@plainly
def simulate(*, seeds: int, first: int, data: Path, check_fakes: int, **wanted: Any) -> None:
    """Play claims under faults on simulated servers; fails when a promise is broken."""
    try:
        from voucher_service.simulation import running
    except ModuleNotFoundError as error:
        raise click.ClickException("needs the extra `dev`: pip install -e '.[dev]'") from error

    span = range(first, first + seeds)
    if check_fakes:
        with attached(data / "fakes") as (core, _):
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
@plainly
def synthesise(*, data: Path, **wanted: Any) -> None:
    """Load a large book of invented people by COPY; `verify` accepts it. Development only."""
    from voucher_service.synthesis import book

    with attached(data) as (core, _):
        click.echo(book.make(core, book.Wanted(**wanted), say=click.echo).sentence)


@main.command("dev-tokens")
@click.option("--face", type=click.Choice(["resident"]), required=True)
@click.option("--count", type=click.IntRange(1, 200_000), required=True)
@DATA
@plainly
def dev_tokens(face: str, count: int, data: Path) -> None:
    """Make new real-named residents and print their tokens, one a line. Development only."""
    from voucher_service.identity import service as identity
    from voucher_service.replay.strangers import strangers
    from voucher_service.web.auth import issue
    from voucher_service.web.face import Face

    if settings_module.load().production:
        raise click.ClickException("refused: VOUCHER_ENV=production")
    made, people = 0, strangers(random.SystemRandom())
    with attached(data) as (core, _):
        with core.transaction() as session:
            now = core.now(session)
        while made < count:
            batch = list(itertools.islice(people, min(5_000, count - made)))
            unique = list({one.mobile: one for one in batch}.values())
            for id in identity.register_synthetic(core, people=unique, now=now):
                print(issue(core, Face(face), id).access_token)
                made += 1
