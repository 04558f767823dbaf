"""`python -m tests.uploads --count N`: mutants of the samples are sent, and what is kept judged."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tests.uploads.fuzzing import fuzz


@click.command()
@click.option("--count", default=1_000, show_default=True, help="How many files are sent.")
@click.option("--seed", default=1, show_default=True, help="The same seed sends the same files.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for what went wrong.")
def main(count: int, seed: int, keep: Path | None) -> None:
    """Send mutants; exit code 1 when something was wrong."""
    found = fuzz(count, seed)
    rate = count / found.seconds
    click.echo(f"{count} files in {found.seconds:.0f} s ({rate:.0f} a second)")
    click.echo(f"slowest {found.slowest:.1f} s, wrong {len(found.wrong)}")
    for became, times in found.outcomes.most_common():
        click.echo(f"  {became:22} {times:8}")
    for number, (sent, why) in enumerate(found.wrong):
        click.echo(f"  wrong: {why}")
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{number}.bin").write_bytes(sent)
    sys.exit(bool(found.wrong))


if __name__ == "__main__":
    main()
