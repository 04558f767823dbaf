"""Fraud planted among honest purchases: what is found, at which price.

    python -m tests.tradein.fraud --cases 100000 --seed 1
    python -m tests.tradein.fraud --seeds 20

Honest purchases and frauds go through the code of the job in the order of a year. What reviewers
can look at is the budget: that part of all subjects, the heaviest first.
"""

from __future__ import annotations

import click

from tests.tradein.fraud.trial import BUDGET_BPS, HEAVY, Outcome, run


@click.command()
@click.option("--cases", default=100_000, show_default=True, help="honest purchases")
@click.option("--each", default=200, show_default=True, help="planted cases of each fraud")
@click.option("--seed", default=1, show_default=True)
@click.option("--seeds", default=1, show_default=True, help="so many seeds, from the first on")
def main(cases: int, each: int, seed: int, seeds: int) -> None:
    """Run and print what was found."""
    found = []
    for one in range(seed, seed + seeds):
        outcome = run(one, cases=cases, each=each)
        found.append(outcome)
        show(outcome, whole=seeds == 1)
    if seeds > 1:
        for name, of in FIGURES.items():
            figures = sorted(of(one) for one in found)
            click.echo(f"{name:42} {figures[0]:8.4f} to {figures[-1]:8.4f}")


FIGURES = {
    "recall of exact duplicates": lambda one: one.exact_recall,
    "precision at the budget": lambda one: one.precision,
    "precision of what weighs 50 or more": lambda one: one.precision_of_heavy,
    "honest in the queue, per 10,000 honest": lambda one: one.honest_per_ten_thousand,
    "seconds of judging": lambda one: one.seconds,
}


def show(one: Outcome, *, whole: bool) -> None:
    """Print a run."""
    click.echo(
        f"seed {one.seed}: {one.subjects:,} subjects, {one.guilty:,} guilty; queue of {one.queue:,}"
        f" ({BUDGET_BPS / 100:.0f} %, from weight {one.least}): precision {one.precision:.3f},"
        f" exact duplicates found {one.exact_recall:.3f};"
        f" from weight {HEAVY} on {one.heavy:,}: precision {one.precision_of_heavy:.3f};"
        f" judged in {one.seconds:.0f} s, {one.megabytes:,} MB"
    )
    if not whole:
        return
    click.echo(f"{'fraud':30} {'cases':>6} {'found':>6} {'missed':>6} {'recall':>7}")
    for fraud, tally in one.by_fraud.items():
        click.echo(
            f"{fraud:30} {tally.cases:6} {tally.found:6} {tally.cases - tally.found:6}"
            f" {tally.recall:7.3f}"
        )
        for way, (cases, found) in sorted(tally.ways.items()):
            click.echo(f"  {way:36} {cases:6} {found:6}")
    click.echo(f"honest in the queue: {one.honest:,}, by what weighs most in them:")
    for kind, count in one.honest_kinds.most_common():
        click.echo(f"  {kind:36} {count:6}")
    click.echo("found by (guilty in the queue, heaviest finding):")
    for kind, count in one.guilty_kinds.most_common():
        click.echo(f"  {kind:36} {count:6}")


if __name__ == "__main__":
    main()
