"""Papers for the treasury."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from .base import DATA, attached, main, plainly


@main.command()
@click.option("--settlement", type=click.UUID, required=True, help="The batch.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@DATA
@plainly
def finance_pack(settlement: UUID, out: Path, data: Path) -> None:
    """Write a batch's ten documents as one zip: the same bytes as long as the books say the same.

    It holds account numbers: only its owner may read the file.
    """
    from voucher_service.finance_pack import service
    from voucher_service.kernel.actor import SYSTEM
    from voucher_service.settlement.model import BatchId

    out.touch(0o600)
    out.chmod(0o600)  # also one that was there
    with attached(data) as (core, _), out.open("wb") as file:
        pack = service.hand_out(core, actor=SYSTEM, batch=BatchId(settlement), out=file)
    click.echo(f"{pack.sha256}  {out}")
    click.echo(f"pack {pack.number} of the batch, sealed log at {pack.facts.size:,} entries")
