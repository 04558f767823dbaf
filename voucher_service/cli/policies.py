"""Policies of trade-in: what is on the shelf, what a draft would cost, what a change adds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from .base import DATA, DAY, LANG, attached, main, member, plainly


@main.group()
def policy() -> None:
    """Trade-in policies: config/policies/*.toml, each file one published version."""


@policy.command("list")
@LANG
def list_(locale: str) -> None:
    """Every version: since when it is known, for which purchases and places, what it pays."""
    from voucher_service.tradein import rule_words, shelf

    for one in sorted(shelf.shelf(), key=lambda one: (one.scheme, one.published_on)):
        filed = f", filed until {one.file_by}" if one.file_by else ""
        click.echo(f"{one.id}  {one.name.spelt(locale)}")
        click.echo(f"    published {one.published_on}; bought {one.first} to {one.last}{filed}")
        click.echo(f"    {rule_words.places(one, locale)}; {one.source}")
        for goods, pays in rule_words.rules(one, locale):
            click.echo(f"    {goods}: {pays}")
        for condition in rule_words.conditions(one, locale):
            click.echo(f"    - {condition}")


@policy.command("what-if")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--from", "first", type=DAY, required=True, help="First day of purchase.")
@click.option("--to", "last", type=DAY, required=True, help="Last day of purchase.")
@click.option("--area", default="", help="A division code; empty is everywhere.")
@LANG
@DATA
@plainly
def what_if(
    file: Path, first: datetime, last: datetime, area: str, locale: str, data: Path
) -> None:
    """What a draft FILE would have cost over the decisions of a period; who gains, who loses."""
    from voucher_service.infra.data_files import DataFileInvalid
    from voucher_service.tradein import file_words, shelf
    from voucher_service.tradein.revisions import service, words

    try:
        draft = shelf.parse(file.stem, file.read_bytes())
    except DataFileInvalid as error:
        raise click.ClickException(file_words.sentence(error, locale)) from error
    with attached(data) as (core, _):
        found = service.what_if(core, draft=draft, first=first.date(), last=last.date(), area=area)
    _table([("", found.total)])
    for way, effects in found.by.items():
        click.echo(f"\n{words.way(way, locale)}")
        _table((words.key(way, key, locale), one) for key, one in effects.items())


@policy.command()
@click.argument("id")
@click.option("--campaign", type=click.UUID, required=True, help="Whose lines pay: its id.")
@click.option("--as", "username", required=True, help="The planner in whose name it is begun.")
@click.option("--known-until", type=DAY, help="Policies published later don't count.")
@DATA
@plainly
def revise(
    id: str, campaign: UUID, username: str, known_until: datetime | None, data: Path
) -> None:
    """List every past decision that policy ID changes. It is proposed and approved at the desk."""
    from voucher_service.kernel.ids import CampaignId
    from voucher_service.tradein.revisions import service

    with attached(data) as (core, _):
        actor = member(core, username)
        made = service.begin(
            core,
            actor=actor,
            policy=id,
            campaign=CampaignId(campaign),
            known_until=known_until.date() if known_until else None,
        )
        while service.compute(core, revision=made.id):
            seen = service.revision(core, actor=actor, revision=made.id).seen
            click.echo(f"{seen:,} decisions so far", err=True)
        done = service.revision(core, actor=actor, revision=made.id)
    click.echo(
        f"{done.id}: {done.changed:,} of {done.seen:,} decisions change;"
        f" {done.more.yuan_text()} yuan missing, {done.less.yuan_text()} too much"
    )


def _table(rows: Iterable[tuple[str, object]]) -> None:
    from voucher_service.tradein.revisions.effects import Effect

    for name, one in rows:
        assert isinstance(one, Effect)
        click.echo(
            f"{name}\t{one.decisions:,} decisions, {one.before.yuan_text()} →"
            f" {one.after.yuan_text()} yuan ({one.change.yuan_text()});"
            f" {one.gained:,} gain, {one.lost:,} lose"
        )
