"""How soon a stop is obeyed by all processes: `python -m tests.faults.kill_switch`.

Two processes answer residents, two answer tills, all under load; the stop is one call of the admin
face. From the click, which is the instant before that call, to the last claim or redemption that
was acknowledged.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks import machine
from tests.faults.streets import Crowd, Line, Streets, streets
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.stops.model import StopId
from voucher_service.web.face import Face

MOST_SECONDS = 2.0
_RUSH_SECONDS = 10.0  # at most, until so many were accepted:
_RUSH = {"claim": 400, "redeem": 40}
_AFTER_SECONDS = 3.0
_CLAIMANTS, _CASHIERS = 12, 4
_QUOTA = 40_000
SCOPES = ("campaign", "programme", "everything")


@dataclass(frozen=True)
class Round:
    """One stop. Seconds since the click: until it was answered, and until the last acceptance."""

    scope: str
    before: Counter[str]
    answered: float
    last: dict[str, float]
    refused: Counter[str]

    @property
    def slowest(self) -> float:
        """The later of the last claim and the last redemption."""
        return max(self.last.values())


def run(city: Streets, scope: str) -> Round:
    """Open an offer, let the crowd at it, stop it, and see who was still accepted."""
    campaign, offer = city.open(city.plan(_QUOTA))
    crowd = Crowd(city, offer, order_fen=12_000)
    crowd.start(claimants=_CLAIMANTS, cashiers=_CASHIERS)
    crowd.rush(_RUSH, _RUSH_SECONDS)
    subjects = {"campaign": str(campaign.id), "programme": str(campaign.programme.id)}
    body = {
        "scope": scope,
        "subject_id": subjects.get(scope),
        "what": "both",
        "reason": "发现异常，先停下来查",
    }
    with closing(Line(city.ports[Face.ADMIN])) as desk:
        told, said = desk.post("stop", "/api/v1/stops", city.desk, body)
    if told.status != 201:
        crowd.stop()
        raise RuntimeError(f"not stopped: {told.status} {said}")
    time.sleep(_AFTER_SECONDS)
    crowd.stop()
    _lift(city, [StopId(one["id"]) for one in said["items"]])
    last = {
        what: max([one.came - told.asked for one in crowd.accepted(what)], default=0.0)
        for what in ("claim", "redeem")
    }
    return Round(
        scope,
        Counter(one.what for one in crowd.told if one.status == 201 and one.came < told.asked),
        told.came - told.asked,
        {what: max(seconds, 0.0) for what, seconds in last.items()},
        Counter(one.code for one in crowd.told if one.asked > told.came and one.status != 201),
    )


def _lift(city: Streets, stops: list[StopId]) -> None:
    for one in stops:
        proposal = campaigns.ask_to_lift(city.core, actor=city.city.planner, stop=one)
        for approver in city.city.approvers:
            found = approvals.get(city.core, actor=approver, approval=proposal)
            if found.may_sign(approver):
                approvals.approve(city.core, actor=approver, approval=proposal)


@click.command()
@click.option("--rounds", type=int, default=3, show_default=True, help="Of each scope.")
def main(rounds: int) -> None:
    """Stop under load and print how long it took; exit 1 above two seconds."""
    slowest = 0.0
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        with streets(Path(folder), residents=600, schedule=False) as city:
            for scope in SCOPES * rounds:
                one = run(city, scope)
                slowest = max(slowest, one.slowest)
                click.echo(
                    f"{scope:10}  accepted before {one.before['claim']:6,} claims"
                    f" {one.before['redeem']:5,} redemptions;  answered {one.answered:.2f} s,"
                    f"  last claim {one.last['claim']:.2f} s,"
                    f"  last redemption {one.last['redeem']:.2f} s after the click;"
                    f"  then {dict(one.refused)}"
                )
        flush = machine.fsync_us(Path("/var/tmp"), 0.5)
    click.echo(f"slowest {slowest:.2f} s; {machine.cores()} cores, a flush takes {flush} µs")
    sys.exit(slowest > MOST_SECONDS)


if __name__ == "__main__":
    main()
