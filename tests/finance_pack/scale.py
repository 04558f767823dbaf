"""How long the pack of a large batch takes, and in how much memory.

    python -m tests.finance_pack.scale --merchants 20000 --redemptions 1000000

Settles a book of that size first (`tests.settlement.scale`), or takes the one that --data holds
already. Prints a line a step: the first pack, with everything that is verified for it, and a copy.
Exit 1 above --megabytes, or when the copy has other bytes.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from sqlalchemy import text

from voucher_service.cli.base import attached
from voucher_service.finance_pack import service
from voucher_service.finance_pack.model import Pack
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.proof import service as proof
from voucher_service.settlement.model import BatchId

_LARGEST = text("SELECT id FROM settlement WHERE status = 'closed' ORDER BY items DESC LIMIT 1")


@click.command()
@click.option("--merchants", type=int, default=20_000, show_default=True)
@click.option("--redemptions", type=int, default=1_000_000, show_default=True)
@click.option("--megabytes", type=int, default=400, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help="Default: one that is thrown away.")
def main(merchants: int, redemptions: int, megabytes: int, data: Path | None) -> None:
    """Pack the largest batch of a book twice."""
    with TemporaryDirectory() as thrown:
        folder = data or Path(thrown)
        if not (folder / "made").exists():
            size = ["--merchants", str(merchants), "--redemptions", str(redemptions)]
            command = [sys.executable, "-m", "tests.settlement.scale", "--data", str(folder)]
            subprocess.run([*command, *size], check=True)
        with attached(folder) as (core, _):
            began = time.monotonic()
            while proof.seal(core):
                pass
            click.echo(f"sealed in {time.monotonic() - began:.0f} s")
            with core.transaction() as session:
                batch = BatchId(session.execute(_LARGEST).scalar_one())
            first, most = _packed(core, batch, folder / "pack.zip")
            again, more = _packed(core, batch, folder / "copy.zip")
        with zipfile.ZipFile(folder / "pack.zip") as pack:
            for one in pack.infolist():
                click.echo(f"{one.file_size:14,} bytes  {one.filename}")
    if first.sha256 != again.sha256 or max(most, more) > megabytes:
        raise SystemExit(1)


def _packed(core: Core, batch: BatchId, out: Path) -> tuple[Pack, int]:
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    began = time.monotonic()
    with out.open("wb") as file:
        pack = service.hand_out(core, actor=SYSTEM, batch=batch, out=file)
    took = time.monotonic() - began
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak is not None, "Linux tells it"
    megabytes = int(peak[1]) // 1024
    click.echo(f"{took:7.1f} s {megabytes:5} MB  {pack.size:,} bytes  {pack.sha256}")
    return pack, megabytes


if __name__ == "__main__":
    main()
