"""What a wrong template gives away before it stops itself: `python -m tests.faults.canary`.

满 200 减 19 was typed as 满 20 减 19, and every order of 20 yuan gets 95 % off. The same crowd
comes twice: to the offer with a canary, and to the same offer without one.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import text

from benchmarks import machine
from tests.faults.streets import Crowd, Streets, streets
from voucher_service.kernel.money import Money

FACE, THRESHOLD = Money.of_yuan(19), Money.of_yuan(20)
QUOTA = 20_000
_CLAIMANTS, _CASHIERS = 12, 4
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Given:
    """What was given away: vouchers issued, what they may cost, what tills took off, and when it
    ended (seconds since the first claim).
    """

    issued: int
    promised: Money
    spent: Money
    seconds: float
    stopped: bool


def run(city: Streets, *, canary: bool, seconds: float) -> Given:
    """Let the crowd at a wrong template until it stops itself, or for so long."""
    _, offer = city.open(city.plan(QUOTA, face_value=FACE, threshold=THRESHOLD, canary=canary))
    crowd = Crowd(city, offer, order_fen=THRESHOLD.fen)
    began = time.monotonic()
    crowd.start(claimants=_CLAIMANTS, cashiers=_CASHIERS)
    while not (stopped := _stopped(crowd)) and time.monotonic() - began < seconds:
        time.sleep(_LOOK_SECONDS)
    crowd.stop()
    accepted = crowd.accepted("claim") + crowd.accepted("redeem")
    last = max(one.came for one in accepted) - min(one.came for one in accepted)
    with city.core.transaction() as session:
        issued, spent = session.execute(
            text(
                "SELECT (SELECT count(*) FROM voucher WHERE offer_id = :id), (SELECT"
                " coalesce(sum(discount_fen), 0)::bigint FROM redemption WHERE offer_id = :id)"
            ),
            {"id": offer},
        ).one()
    return Given(issued, FACE * issued, Money(spent), last, stopped)


def _stopped(crowd: Crowd) -> bool:
    """Whether claims and tills were told that it is stopped."""
    codes = {one.code for one in crowd.told[-200:]}
    return "closed" in codes


@click.command()
@click.option("--rounds", type=int, default=3, show_default=True, help="With a canary.")
@click.option("--seconds", type=float, default=20.0, show_default=True, help="At most, each.")
def main(rounds: int, seconds: float) -> None:
    """Print what was given away with a canary and without; exit 1 when one did not stop itself."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        with streets(Path(folder), residents=600, schedule=True) as city:
            guarded = [run(city, canary=True, seconds=seconds) for _ in range(rounds)]
            bare = run(city, canary=False, seconds=seconds)
        flush = machine.fsync_us(Path("/var/tmp"), 0.5)
    for name, one in [*(("canary", each) for each in guarded), ("none", bare)]:
        click.echo(
            f"{name:7} {one.issued:6,} of {QUOTA:,} vouchers issued, at most"
            f" ¥{one.promised.yuan_text()}, ¥{one.spent.yuan_text()} given away at tills, "
            + (f"stopped itself after {one.seconds:.1f} s" if one.stopped else "not stopped")
        )
    click.echo(f"{machine.cores()} cores, a flush takes {flush} µs")
    sys.exit(not all(one.stopped for one in guarded))


if __name__ == "__main__":
    main()
