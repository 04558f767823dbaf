"""Who may do what with channels' files and the differences in them."""

from __future__ import annotations

import io
from datetime import date
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from tests.reconciliation.samples import told, written
from voucher_service.infra import spool
from voucher_service.infra.spool import Incoming
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SizeClass
from voucher_service.reconciliation.differences import expecting, service, uploading
from voucher_service.reconciliation.differences.model import Status
from voucher_service.replay.strangers import credit_code

from .city import City, Side
from .table import Thing, always, called, get, kind, material, post, shared, typed

READERS, FINANCE = service.READERS, frozenset({Role.FINANCE})
_numbers = count(1)
_TODAY = date(2026, 9, 23)


def bill() -> bytes:
    """A channel's file of one payment that nobody else has."""
    return written("wechat", [told(f"49999{next(_numbers):023}", 100)])


@shared
def channel_file(city: City, _side: Side, _caller: Actor) -> Thing:
    """A file that was imported for the whole city."""
    made = service.take(
        city.core,
        actor=SYSTEM,
        format="wechat",
        file_name="bill.csv",
        source=io.BytesIO(bill()),
        with_others=True,
    )
    return Thing(str(made.id), {"id": str(made.id), "format_": "csv"})


@kind
def difference(city: City, side: Side, _caller: Actor) -> Thing:
    """An order that only the till of a side's shop knows."""
    with city.core.transaction() as session:
        shop = merchants.till(session, cashier=side.till[Role.CASHIER].id).shop_id
        now = city.core.now(session)
    line = told(f"only-theirs-{next(_numbers)}", 100, at=now, order=100, discount=0)
    made = service.take(
        city.core,
        actor=SYSTEM,
        format="till",
        file_name="till.csv",
        source=io.BytesIO(written("till", [line])),
        shop=shop,
    )
    assert made.first == day_of(now)
    with_it = service.differences(
        city.core,
        actor=SYSTEM,
        status=Status.OPEN,
        finding=None,
        file=made.id,
        cursor=None,
        limit=200,
    )
    (found,) = (one for one in with_it.items if one.line.reference == line.reference)
    return Thing(str(found.id))


@shared
def upload(city: City, _side: Side, _caller: Actor) -> Thing:
    """A large file whose bytes got lost."""
    place = spool.folder(city.core.settings)
    with Incoming(place) as incoming:
        incoming.write(b"x")
        waits = uploading.keep(
            city.core,
            actor=city.whole[Role.FINANCE],
            format="wechat",
            file_name="bill.csv",
            incoming=incoming,
        )
    spool.drop(place, waits.id)
    while uploading.take_waiting(city.core):
        pass
    return Thing(str(waits.id))


@material
def room(city: City, _side: Side, _caller: Actor) -> Thing:
    """Nothing waits to be read, so that another large file may be sent."""
    while uploading.take_waiting(city.core):
        pass
    return Thing()


@material
def merchant(city: City, _side: Side, _caller: Actor) -> Thing:
    """A merchant of which no file is expected."""
    made = merchants.create_merchant(
        city.core,
        actor=SYSTEM,
        name="新商户",
        uscc=credit_code(Random(next(_numbers))),
        size_class=SizeClass.SMALL,
    )
    return Thing(str(made.id), {"uscc": made.uscc})


@shared
def expected(city: City, side: Side, caller: Actor) -> Thing:
    """A file that is expected of every day."""
    made = expecting.expect(
        city.core,
        actor=city.whole[Role.FINANCE],
        format="wechat",
        hour=9,
        first=_TODAY,
        merchant=MerchantId(UUID(merchant.make(city, side, caller).id)),
    )
    return Thing(str(made.id))


def expecting_it(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A merchant's file to expect, as a call sends it."""
    return {"format": "wechat", "hour": 9, "first_day": str(_TODAY), "merchant_id": thing.id}


def typing_it(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as a form."""
    named = {"format": "wechat-2023", "uscc": thing.facts["uscc"]}
    return named | {"hour": "9", "first_day": str(_TODAY)}


def sent(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A file, as a form sends it."""
    return {"format": "wechat-2023", "file": (io.BytesIO(bill()), "bill.csv")}


def as_text(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as a call sends it."""
    return {"format": "wechat", "file_name": "bill.csv", "content": bill().decode()}


def streamed(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as the body of a call."""
    named = {"format": "wechat", "file_name": "bill.csv"}
    return {"query_string": named, "data": bill(), "content_type": "text/csv"}


API = "/api/v1"
FILES, FILE = "/channel-files", "/channel-files/<uuid:id>"
EXPECTED = "/channel-files/expected"
ALL, ONE = "/differences", "/differences/<uuid:id>"
LINES = "lines.<any(csv, xlsx):format_>"
WORDS = {"text": "问过商户"}
RULES = (
    get(API + FILES, READERS, whole=True),
    get(f"{API}{FILES}/formats", READERS),
    post(API + FILES, FINANCE, sends=called(as_text), answers=201, whole=True),
    get(f"{API}{FILES}/uploads", FINANCE, whole=True),
    post(
        f"{API}{FILES}/uploads",
        FINANCE,
        of=room,
        sends=streamed,
        answers=202,
        once=True,
        whole=True,
    ),
    get(f"{API}{FILES}/uploads/<uuid:id>", FINANCE, of=upload, whole=True),
    get(API + FILE, READERS, of=channel_file, whole=True),
    get(f"{API}{FILE}/{LINES}", READERS, of=channel_file, whole=True),
    get(API + EXPECTED, READERS, whole=True),
    post(
        API + EXPECTED,
        FINANCE,
        of=merchant,
        sends=called(expecting_it),
        answers=201,
        once=True,
        whole=True,
    ),
    post(f"{API}{EXPECTED}/<uuid:id>/end", FINANCE, of=expected, once=True, whole=True),
    get(API + ALL, READERS, lists=difference),
    get(API + ONE, READERS, of=difference),
    post(f"{API}{ONE}/notes", FINANCE, of=difference, sends=always(json=WORDS)),
    post(f"{API}{ONE}/owner", FINANCE, of=difference),
    post(f"{API}{ONE}/explain", FINANCE, of=difference, sends=always(json=WORDS), once=True),
    post(
        f"{API}{ONE}/propose",
        FINANCE,
        of=difference,
        sends=always(json={"reason": "两边口径不同"}),
        answers=202,
        once=True,
    ),
    get(FILES, READERS, whole=True),
    post(FILES, FINANCE, sends=typed(sent), whole=True),
    get(FILE, READERS, of=channel_file, whole=True),
    get(f"{FILE}/{LINES}", READERS, of=channel_file, whole=True),
    get(f"{FILES}/uploads/<uuid:id>", FINANCE, of=upload, whole=True),
    get(EXPECTED, READERS, whole=True),
    post(EXPECTED, FINANCE, of=merchant, sends=typed(typing_it), once=True, whole=True),
    get(f"{EXPECTED}/<uuid:id>", READERS, of=expected, whole=True),
    post(f"{EXPECTED}/<uuid:id>/end", FINANCE, of=expected, once=True, whole=True),
    get(ALL, READERS, lists=difference),
    get(ONE, READERS, of=difference),
    post(ONE, FINANCE, of=difference, sends=always(data={"verb": "comment"} | WORDS)),
    post(
        f"{ONE}/propose",
        FINANCE,
        of=difference,
        sends=always(data={"way": "accept", "reason": "两边口径不同"}),
        once=True,
    ),
)
