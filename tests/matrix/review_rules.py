"""Who may do what with the papers of sales, and with the batches in which they are reviewed."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

from tests.services.applicants import photo
from tests.services.car_applicants import submitted
from tests.services.sold import MONDAY, Street
from tests.services.weighed import weigh
from voucher_service.infra.core import with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import RedemptionId
from voucher_service.tradein.review import service
from voucher_service.tradein.review.model import BatchId, BatchStatus, ProofKind

from .application_rules import REVIEWER, SIGNERS, application, autumn
from .city import City, Side
from .table import TILL, Rule, Thing, always, get, kind, post, typed


def street(city: City) -> Street:
    """The same servers in March 2026, with the shops of the city."""
    made = Street(with_clock(city.core, Clock(MONDAY)))
    made.world = city.world
    return made.at(MONDAY)


def _thing(sale: RedemptionId) -> Thing:
    return Thing(str(sale), {"kind": "unboxing"}, {"kind": "unboxing"})


@kind
def sale(city: City, side: Side, _caller: Actor) -> Thing:
    """A sale of one shop whose papers are missing."""
    sold, till = street(city).sell(side.till[Role.CASHIER]), side.till[Role.CASHIER]
    street(city).hand_in(till, sold, ProofKind.UNBOXING)
    return _thing(sold)


def _batched(city: City, side: Side) -> tuple[BatchId, RedemptionId]:
    """A batch of a division with one sale, of a shop of its own."""
    there, till = street(city), city.world.cashier(area=side.area)
    (sold,) = there.complete(till)
    later = there.at(MONDAY + timedelta(days=7))
    while service.batch_due(later.core):
        pass
    page = service.queue(
        city.core,
        actor=side.staff[Role.REVIEWER],
        status=BatchStatus.OPEN,
        cursor=None,
        limit=200,
    )
    for one in page.items:
        found = service.batch(city.core, actor=side.staff[Role.REVIEWER], batch=one.id)
        if sold in {line.subject_id for line in found.lines}:
            return one.id, sold
    raise LookupError("the sale is in no batch")


@kind
def batch(city: City, side: Side, _caller: Actor) -> Thing:
    """A batch of sales of a division."""
    made, sold = _batched(city, side)
    facts = {"batch": str(made), "sale": str(sold), "subject": str(sold), "kind": "unboxing"}
    return Thing(str(made), facts, {"kind": "unboxing"})


@kind
def car_batch(city: City, side: Side, _caller: Actor) -> Thing:
    """A batch of applications of a division; nobody has looked at its sample."""
    core = autumn(city)
    for _ in range(2):
        _, found = submitted(core, city.world.resident(), area=side.area)
        weigh(core, "application", {found.id: 0})
    made = service.make_car_batch(core, actor=side.staff[Role.REVIEWER])
    return Thing(str(made))


def paper(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A photo."""
    return {"kind": "unboxing", "file": (BytesIO(photo()), "a.jpg")}


API = "/api/v1"
EVIDENCE = f"{API}/redemptions/<uuid:redemption_id>/evidence"
SALE = "/sales/<uuid:sale>"
SHOP = (
    get(f"{API}/sales", TILL, lists=sale),
    get(EVIDENCE, TILL, of=sale),
    # an empty body is no paper
    Rule("PUT", f"{EVIDENCE}/<kind>", TILL, of=sale, answers=422),
    # it was not refused
    post(f"{EVIDENCE}/answer", TILL, of=sale, answers=409),
    get("/sales", TILL, lists=sale),
    get(SALE, TILL, of=sale),
    get(f"{SALE}/evidence/<kind>", TILL, of=sale),
    post(f"{SALE}/evidence", TILL, of=sale, sends=typed(paper)),
    post(f"{SALE}/answer", TILL, of=sale, answers=409),
)
BATCH = "/review/batches/<uuid:batch>"
ONE = f"{BATCH}/sales/<uuid:sale>"
DESK = (
    get("/review", SIGNERS, lists=batch),
    get("/review/cars", SIGNERS, lists=application),
    # risk has looked at none of those that wait here
    post("/review/cars", REVIEWER, answers=422),
    get(BATCH, SIGNERS, of=batch),
    get(ONE, SIGNERS, of=batch),
    get(f"{ONE}/evidence/<kind>", SIGNERS, of=batch),
    # it looks like no other
    get(f"{ONE}/twins/<kind>", SIGNERS, of=batch, answers=404),
    post(f"{BATCH}/lines/<uuid:subject>", REVIEWER, of=batch, sends=always(data={"good": "true"})),
    # what was drawn has not been looked at
    post(f"{BATCH}/pass", REVIEWER, of=car_batch, answers=409),
    post(f"{BATCH}/propose", REVIEWER, of=batch, once=True, answers=409),
)
