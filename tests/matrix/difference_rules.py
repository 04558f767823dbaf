"""Who may do what with channels' files and the differences in them."""

from __future__ import annotations

import io
from itertools import count
from typing import Any

from tests.reconciliation.samples import told, written
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.merchants import service as merchants
from voucher_service.reconciliation.differences import service
from voucher_service.reconciliation.differences.model import Status

from .city import City, Side
from .table import Thing, always, called, get, kind, post, shared, typed

READERS, FINANCE = service.READERS, frozenset({Role.FINANCE})
_numbers = count(1)


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


def sent(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A file, as a form sends it."""
    return {"format": "wechat-2023", "file": (io.BytesIO(bill()), "bill.csv")}


def as_text(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as a call sends it."""
    return {"format": "wechat", "file_name": "bill.csv", "content": bill().decode()}


API = "/api/v1"
FILES, FILE = "/channel-files", "/channel-files/<uuid:id>"
ALL, ONE = "/differences", "/differences/<uuid:id>"
LINES = "lines.<any(csv, xlsx):format_>"
WORDS = {"text": "问过商户"}
RULES = (
    get(API + FILES, READERS, whole=True),
    get(f"{API}{FILES}/formats", READERS),
    post(API + FILES, FINANCE, sends=called(as_text), answers=201, whole=True),
    get(API + FILE, READERS, of=channel_file, whole=True),
    get(f"{API}{FILE}/{LINES}", READERS, of=channel_file, whole=True),
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
