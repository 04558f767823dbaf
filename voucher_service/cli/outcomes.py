"""Outcome data from outside, and what it says that vouchers changed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from .base import DATA, DAY, LANG, attached, main, member, plainly

if TYPE_CHECKING:
    from voucher_service.causal.outcomes import OutcomeFileInvalid

_AS = click.option("--as", "username", required=True, help="The finance officer who does it.")
_OFFER = click.option("--offer", type=click.UUID, required=True, help="Its id.")
_PROVIDER = click.option("--provider", required=True, help="A short name, such as unionpay.")


@main.group()
def outcomes() -> None:
    """Spending and orders from outside: what estimates compare."""


@outcomes.command()
@_OFFER
@_PROVIDER
@_AS
@click.option(
    "--salt-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="The provider's salt, as many bytes as it gave.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@DATA
@plainly
def keys(offer: UUID, provider: str, username: str, salt_file: Path, out: Path, data: Path) -> None:
    """Write a key for each entrant who agreed, winners and losers. It goes on record."""
    from voucher_service.causal import service
    from voucher_service.kernel.ids import OfferId

    if out.exists():
        raise click.UsageError(f"{out} is there already: name another --out")
    with attached(data) as (core, _):
        found = service.keys(
            core,
            actor=member(core, username),
            offer=OfferId(offer),
            provider=provider,
            salt=salt_file.read_bytes(),
        )
    with out.open("x", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("key", "mobile_hmac_sha256"))
        writer.writerows(found)
    click.echo(f"{len(found):,} keys")
    if not found:
        click.echo("nobody who entered a draw or came too late had agreed before it was decided")


@outcomes.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@_AS
@DATA
@plainly
def import_(file: Path, username: str, data: Path) -> None:
    """Import FILE, all of it or nothing, and estimate."""
    from voucher_service.causal import service
    from voucher_service.causal.outcomes import OutcomeFileInvalid
    from voucher_service.causal.service import estimating

    with attached(data) as (core, _), file.open("rb") as stream:
        try:
            made = service.import_file(core, actor=member(core, username), stream=stream)
        except OutcomeFileInvalid as error:
            raise click.ClickException("\n".join(_faults(error))) from error
        answers = estimating.compute(core, offer=made.head.offer)
    click.echo(f"{made.head.lines:,} lines, {made.sha256}; {answers} answers")


@outcomes.command()
@click.option("--kind", type=click.Choice(["panel", "orders", "areas"]), required=True)
@_OFFER
@click.option("--effect", type=float, default=0.0, show_default=True, help="Of a redeemed yuan.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--things",
    type=click.File(),
    help="Keys, ids of shops or codes of areas, one a line, instead of those in the books.",
)
@click.option("--from", "first", type=DAY, help="With --things: a Monday.")
@click.option("--to", "last", type=DAY, help="With --things: a Sunday.")
@DATA
@plainly
def sample(
    kind: str,
    offer: UUID,
    effect: float,
    seed: int,
    things: Iterable[str] | None,
    first: datetime | None,
    last: datetime | None,
    data: Path,
) -> None:
    """Print an invented file in the right form, with an effect that is known.

    It is about the keys handed to provider `sample`, the shops that redeemed, or the counties of
    the province. With --things it needs no data and shows no effect.
    """
    from voucher_service.causal.outcomes import Kind
    from voucher_service.causal.sample import sample as of_things
    from voucher_service.causal.service import sampling
    from voucher_service.kernel.ids import OfferId
    from voucher_service.kernel.money import ZERO

    if things is None:
        with attached(data) as (core, _):
            lines = sampling.invented(
                core, offer=OfferId(offer), kind=Kind(kind), effect=effect, seed=seed
            )
    elif first is None or last is None or effect:
        raise click.UsageError("--things takes --from and --to, and no --effect")
    else:
        named = [line.split(",")[0].strip() for line in things]
        lines = of_things(
            Kind(kind),
            offer=OfferId(offer),
            first=first.date(),
            last=last.date(),
            things={one: ZERO for one in named if one and one != "key"},
            seed=seed,
        )
    for line in lines:
        click.echo(line)


@main.group()
def causal() -> None:
    """What a redeemed yuan changed, with its interval."""


@causal.command()
@_OFFER
@DATA
@plainly
def estimate(offer: UUID, data: Path) -> None:
    """Estimate anew what the offer's newest files allow."""
    from voucher_service.causal.service import estimating
    from voucher_service.kernel.ids import OfferId

    with attached(data) as (core, _):
        click.echo(f"{estimating.compute(core, offer=OfferId(offer))} answers")


@causal.command()
@click.option("--programme", required=True)
@LANG
@DATA
@plainly
def show(programme: str, locale: str, data: Path) -> None:
    """Print the newest estimates of a programme in sentences."""
    from voucher_service.campaigns import service as campaigns
    from voucher_service.causal import service, words
    from voucher_service.i18n import gettext

    with attached(data) as (core, _), core.transaction() as session:
        found = service.of_programme(
            session, programme=campaigns.programme(session, slug=programme).id
        )
    for one in found:
        click.echo(f"{one.id}  {one.offer.title}: {gettext(words.DESIGNS[one.design], locale)}")
        click.echo(f"    {words.sentence(one, locale)}")
        click.echo(f"    {gettext(words.ASSUMPTIONS[one.design], locale)}")
    if not found:
        for text in (words.NOT_MEASURABLE, *words.ASK_FOR):
            click.echo(gettext(text, locale))


@causal.command()
@click.argument("id", type=click.UUID)
@DATA
@plainly
def again(id: UUID, data: Path) -> None:
    """Ask again about the kept inputs of estimate ID. Exit 1 when the answer differs."""
    from voucher_service.causal.service import estimating

    with attached(data) as (core, _):
        same = estimating.again(core, estimate=id)
    click.echo("the same answer" if same else "another answer")
    sys.exit(not same)


def _faults(error: OutcomeFileInvalid) -> Iterator[str]:
    from voucher_service.causal import outcome_reader

    for numbers, text in outcome_reader.in_words(error, "en"):
        yield f"line {', '.join(map(str, numbers))}: {text}" if numbers else text
