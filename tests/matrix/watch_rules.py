"""Who may stop, watch and foresee: emergency stops, alarms, simulations."""

from __future__ import annotations

from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Actor, Role
from voucher_service.stops.model import Scope, What

from .city import City, Side
from .plans import planned, published, running
from .table import APPROVER, OFFICE, PLANNER, Thing, called, get, kind, post, typed

STOPPERS = PLANNER | APPROVER | frozenset({Role.FINANCE, Role.REVIEWER})


@kind
def stop(city: City, side: Side, _caller: Actor) -> Thing:
    """A stop on the redemptions of a campaign."""
    (made,) = campaigns.stop(
        city.core,
        actor=city.world.planner,
        scope=Scope.CAMPAIGN,
        subject=running(city, side).id,
        what=[What.REDEMPTIONS],
        reason="发现异常",
    )
    return Thing(str(made.id))


EVERYTHING = {"scope": "everything", "what": "redemptions", "reason": "发现异常"}
API, STOP = "/api/v1", "/stops/<uuid:stop>"

STOPS = (
    get(f"{API}/stops", OFFICE, lists=stop),
    post(
        f"{API}/stops",
        STOPPERS,
        of=published,
        sends=called(lambda one, _: EVERYTHING | {"scope": "campaign", "subject_id": one.id}),
        answers=201,
        once=True,
    ),
    post(f"{API}{STOP}/resume", STOPPERS, of=stop, answers=202, once=True),
    get("/stops", OFFICE, lists=stop),
    post(
        "/stops",
        STOPPERS,
        of=published,
        sends=typed(
            lambda one, _: {
                "subject": f"campaign:{one.id}",
                "what": "redemptions",
                "reason": "发现异常",
            }
        ),
        once=True,
    ),
    post(f"{STOP}/resume", STOPPERS, of=stop, once=True),
)

SIMULATIONS = (get(f"{API}/campaigns/<uuid:campaign>/simulation", OFFICE, of=planned),)

RULES = (*STOPS, *SIMULATIONS)
