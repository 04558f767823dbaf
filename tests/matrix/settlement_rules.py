"""Who may do what with batches, the bank's files, and what a merchant is paid."""

from __future__ import annotations

import base64
import io
import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.make import World
from tests.settlement.offices import Office
from voucher_service.infra.core import with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.settlement import bank_file
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.settlement.model import Batch, Form

from .city import City, Side
from .purses import redemption
from .table import APPROVER, AUDITOR, Thing, always, called, get, kind, post, shared
from .treasury import going_on

FINANCE, MANAGER = frozenset({Role.FINANCE}), frozenset({Role.MANAGER})
READERS = FINANCE | APPROVER | AUDITOR
API, BATCH = "/api/v1", "/api/v1/settlements/<uuid:batch>"
_days = itertools.count(1)


def _office(city: City, side: Side) -> Office:
    """On a day to come that has no batch; something of the side's shop is unpaid."""
    going_on(city)
    till = side.till[Role.CASHIER]
    later = Clock(city.world.now() + timedelta(days=next(_days)))
    office = Office(World(with_clock(city.core, later)), "")
    office.account(till, f"4417{uuid4().int % 10**12:012d}")
    redemption.make(city, side, till)
    office.next_day()
    return office


def _sent(city: City, side: Side) -> tuple[Office, Batch]:
    office = _office(city, side)
    return office, office.send(office.approve(office.draft()))


def _answers(office: Office, batch: Batch, verdict: str, city: City) -> bytes:
    now = city.world.now().replace(microsecond=0) - timedelta(seconds=5)
    answers = office.answers(batch, lambda _: verdict)
    told = [replace(one, at=now) for one in answers]
    return bank_file.write_answers(Form.CSV, batch.number, told)


@shared
def drafted(city: City, side: Side, _caller: Actor) -> Thing:
    """A batch that merchants look at."""
    return Thing(str(_office(city, side).draft().id), {"form": "csv"})


@shared
def approved(city: City, side: Side, _caller: Actor) -> Thing:
    """A batch that was signed."""
    office = _office(city, side)
    return Thing(str(office.approve(office.draft()).id))


@shared
def sent(city: City, side: Side, _caller: Actor) -> Thing:
    """A batch at the bank, and what the bank answers."""
    office, batch = _sent(city, side)
    content = base64.b64encode(_answers(office, batch, PAID, city)).decode()
    return Thing(str(batch.id), {"content": content, "form": "csv"})


@shared
def bounced(city: City, side: Side, _caller: Actor) -> Thing:
    """A payment that the bank sent back."""
    office, batch = _sent(city, side)
    content = _answers(office, batch, BOUNCED, city)
    settlement.take_return(office.world.core, actor=office.payer, content=content)
    (line, *_) = office.lines(batch)
    assert line.payment is not None
    return Thing(str(line.payment.id))


@shared
def any_line(city: City, side: Side, _caller: Actor) -> Thing:
    """A line, for the office."""
    office = _office(city, side)
    return Thing(str(office.lines(office.draft())[0].id))


@kind
def own_line(city: City, side: Side, _caller: Actor) -> Thing:
    """A line of a side's merchant."""
    office = _office(city, side)
    whose = office.merchant(side.till[Role.CASHIER])
    lines = office.lines(office.draft())
    facts = {"format_": "csv"}
    return Thing(str(next(one.id for one in lines if one.merchant_id == whose)), facts)


@shared
def payee(city: City, side: Side, _caller: Actor) -> Thing:
    """A merchant."""
    office = Office(city.world, "")
    return Thing(str(office.merchant(side.till[Role.CASHIER])))


@shared
def unpaid(city: City, _side: Side, _caller: Actor) -> Thing:
    """A merchant for whom nobody asked anything yet."""
    return Thing(str(Office(city.world, "").merchant(city.world.cashier())))


def advance(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """Money ahead for a merchant."""
    return {"merchant_id": thing.id, "amount_fen": 10_000, "reason": "备货"}


DESK = (
    get(f"{API}/settlements", READERS, whole=True),
    post(
        f"{API}/settlements",
        FINANCE,
        sends=always(json={"day": "2099-01-31"}),  # not over: who may is told so
        answers=422,
        whole=True,
    ),
    get(BATCH, READERS, of=drafted, whole=True),
    get(f"{BATCH}/lines", READERS, of=drafted, whole=True),
    get(f"{BATCH}/payments", READERS, of=drafted, whole=True),
    get(f"{BATCH}/shares", READERS, of=drafted, whole=True),
    get(f"{BATCH}/waiting", READERS, of=drafted, whole=True),
    get(f"{API}/settlement-merchants/<uuid:merchant>", READERS, of=payee, whole=True),
    get(f"{API}/settlement-merchants/<uuid:merchant>/lines", READERS, of=payee, whole=True),
    get(f"{BATCH}/funding.<any(csv, xlsx):form>", READERS, of=drafted, whole=True),
    get(f"{API}/settlement-lines/<uuid:line>/items", READERS, of=any_line, whole=True),
    # Merchants have their hours first.
    post(f"{BATCH}/review", FINANCE, of=drafted, answers=409, whole=True),
    post(f"{BATCH}/send", FINANCE, of=approved, once=True, whole=True),
    post(
        f"{BATCH}/drop",
        FINANCE,
        of=drafted,
        sends=always(json={"reason": "重做"}),
        once=True,
        whole=True,
    ),
    get(f"{BATCH}/bank-file", FINANCE, of=sent, whole=True),
    post(
        f"{BATCH}/bank-return",
        FINANCE,
        of=sent,
        sends=called(lambda one, _: {"content": one.facts["content"]}),
        once=True,
        whole=True,
    ),
    post(
        f"{API}/settlement-payments/<uuid:payment>/retry",
        FINANCE,
        of=bounced,
        once=True,
        answers=204,
        whole=True,
    ),
    post(
        f"{API}/settlement-advances",
        FINANCE,
        of=unpaid,
        sends=called(advance),
        answers=202,
        once=True,
        whole=True,
    ),
)
PAGES = "/settlements"


def _file(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The bank's answer, as a page sends it."""
    content = base64.b64decode(thing.facts["content"])
    return {"data": {"table": (io.BytesIO(content), "back.csv")}}


@shared
def order(city: City, side: Side, caller: Actor) -> Thing:
    """A redemption."""
    return redemption.make(city, side, caller)


DESK_PAGES = (
    get(PAGES, READERS, whole=True),
    post(PAGES, FINANCE, sends=always(data={"day": "2099-01-31"}), answers=422, whole=True),
    get(f"{PAGES}/<uuid:batch>", READERS, of=drafted, whole=True),
    get(f"{PAGES}/<uuid:batch>/funding.<any(csv, xlsx):form>", READERS, of=drafted, whole=True),
    get(f"{PAGES}/lines/<uuid:line>", READERS, of=any_line, whole=True),
    get(f"{PAGES}/merchants/<uuid:merchant>", READERS, of=payee, whole=True),
    post(
        f"{PAGES}/merchants/<uuid:merchant>/advances",
        FINANCE,
        of=unpaid,
        sends=always(data={"amount": "100", "reason": "备货"}),
        once=True,
        whole=True,
    ),
    get(f"{PAGES}/holds", READERS, whole=True),
    get(f"{PAGES}/holds/<uuid:redemption>", READERS, of=order, whole=True),
    post(
        f"{PAGES}/holds/<uuid:redemption>",
        FINANCE,
        of=order,
        sends=always(data={"event": "release", "reason": "查清了"}),
        whole=True,
    ),
    post(f"{PAGES}/<uuid:batch>/review", FINANCE, of=drafted, answers=409, whole=True),
    post(f"{PAGES}/<uuid:batch>/send", FINANCE, of=approved, once=True, whole=True),
    post(
        f"{PAGES}/<uuid:batch>/drop",
        FINANCE,
        of=drafted,
        sends=always(data={"reason": "重做"}),
        once=True,
        whole=True,
    ),
    get(f"{PAGES}/<uuid:batch>/bank-file.<any(csv, xlsx):form>", FINANCE, of=sent, whole=True),
    post(
        f"{PAGES}/<uuid:batch>/bank-return",
        FINANCE,
        of=sent,
        sends=_file,
        once=True,
        whole=True,
    ),
    post(
        f"{PAGES}/payments/<uuid:payment>/retry",
        FINANCE,
        of=bounced,
        once=True,
        whole=True,
    ),
)
SHOP_PAGES = (
    get("/money", MANAGER, lists=own_line, chain=True),
    get("/money/<uuid:line>", MANAGER, of=own_line, chain=True),
    get("/money/<uuid:line>/statement.<any(csv, xlsx):format_>", MANAGER, of=own_line, chain=True),
)
SHOP = (
    get(f"{API}/settlement-lines", MANAGER, lists=own_line, chain=True),
    get(f"{API}/settlement-lines/<uuid:line>", MANAGER, of=own_line, chain=True),
    get(f"{API}/settlement-lines/<uuid:line>/items", MANAGER, of=own_line, chain=True),
    get(f"{API}/unpaid", MANAGER),
)
