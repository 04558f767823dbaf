"""The rows of the table: which application, which requests, which answer counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from functools import partial
from uuid import UUID

from voucher_service.tradein import service as tradein

from . import requests
from .plan import Plan
from .stand import Stand

_MOST_PER_SECOND = 20_000
_MOST_QUALIFICATIONS_PER_SECOND = 4_000
_LEAST_ORDERS_PER_SECOND = 2_500
_REMEMBERED = 1_000  # tapping again within a fraction of a second


class Counts(Enum):
    """Which answers make the rate: created ones (201), any success, or refusals as expected."""

    CREATED = auto()
    SUCCESS = auto()
    REFUSED = auto()


@dataclass(frozen=True)
class Window:
    """What one window sends. `offers` where each request is a resident's claim, in their order.

    `spent` is told how many requests may have been sent.
    """

    requests: list[bytes]
    offers: tuple[UUID, ...] = ()
    spent: Callable[[int], None] | None = None


@dataclass(frozen=True)
class Row:
    """One row. `send` gets the seconds of the window and the best rate so far, 0 at first."""

    name: str
    target: str
    counts: Counts
    send: Callable[[Stand, int, float], Window]
    pooled: bool = False
    once: bool = False  # no request may be sent twice


def _nothing(_stand: Stand, _seconds: int, _rate: float) -> Window:
    return Window(requests.visits(["none"]))


def _visits(stand: Stand, _seconds: int, _rate: float) -> Window:
    return Window(requests.visits(stand.city.tokens))


def _claims_of(count: int, stand: Stand, seconds: int, _rate: float) -> Window:
    offers = [stand.city.offer() for _ in range(count)]
    tokens = stand.city.tokens[: seconds * _MOST_PER_SECOND]
    sent = requests.claims([one.slug for one in offers], tokens)
    return Window(sent, tuple(one.id for one in offers))


def _more_claims(issued: int, stand: Stand, seconds: int, _rate: float) -> Window:
    offer, again = stand.issued(issued)
    tokens = stand.city.tokens[: seconds * _MOST_PER_SECOND]
    return Window(requests.claims([offer.slug], tokens, again=again))


def _counted_claims(stand: Stand, seconds: int, _rate: float) -> Window:
    offer = stand.counted_offer()
    tokens = stand.city.tokens[: seconds * _MOST_PER_SECOND]
    return Window(requests.claims([offer.slug], tokens), (offer.id,))


def _qualifications(stand: Stand, seconds: int, _rate: float) -> Window:
    category, tokens = stand.unclaimed(seconds * _MOST_QUALIFICATIONS_PER_SECOND)
    return Window(requests.qualifications(category, tokens))


def _late_claims(stand: Stand, _seconds: int, _rate: float) -> Window:
    return Window(requests.claims([stand.sold_out().slug], stand.city.tokens[:-1]))


def _impatient_claims(stand: Stand, _seconds: int, _rate: float) -> Window:
    return Window(requests.claims([stand.sold_out().slug], stand.city.tokens[:_REMEMBERED]))


def _orders(stand: Stand, seconds: int, rate: float) -> Window:
    expected = int(seconds * max(rate * 1.5, _LEAST_ORDERS_PER_SECOND))
    orders = stand.orders(min(expected, len(stand.city.residents)))
    return Window(orders, spent=stand.spent)


_QUALIFICATION = "qualification_claim"
_OURS, _TILL = "voucher_service.resident.asgi:app", "merchant_portal.wsgi:app"
_PLAIN = "benchmarks.baselines.{}:app"
ROWS = (
    Row("empty_flask", _PLAIN.format("empty"), Counts.SUCCESS, _nothing),
    Row("empty_flask_with_token", _PLAIN.format("empty_with_token"), Counts.SUCCESS, _visits),
    Row("claim", _OURS, Counts.CREATED, partial(_claims_of, 1), once=True),
    Row(_QUALIFICATION, _OURS, Counts.CREATED, _qualifications, once=True),
    Row("sold_out", _OURS, Counts.REFUSED, _late_claims),
    Row("sold_out_remembered", _OURS, Counts.REFUSED, _impatient_claims),
    *(
        Row(
            f"baseline_{name}",
            _PLAIN.format(name),
            Counts.CREATED,
            _counted_claims,
            pooled=True,
            once=True,
        )
        for name in ("row_lock", "redis_lock", "lua_sync")
    ),
    Row("redeem", _TILL, Counts.SUCCESS, _orders, once=True),
    Row(
        "redeem_naive",
        _PLAIN.format("redeem_naive"),
        Counts.SUCCESS,
        _orders,
        pooled=True,
        once=True,
    ),
)


def rows(today: date) -> list[Row]:
    """What is measured today: qualifications only where rules for tills are in force."""
    left = set() if tradein.policies(first=today, last=today) else {_QUALIFICATION}
    return [row for row in ROWS if row.name not in left]


def long_rows(plan: Plan) -> list[Row]:
    """Claims of offers that have given out much already, and of many offers at once."""
    sends = {
        **{f"claim_after_{count}_issued": partial(_more_claims, count) for count in plan.issued},
        **{f"claim_of_{count}_offers": partial(_claims_of, count) for count in plan.at_once},
    }
    return [Row(name, _OURS, Counts.CREATED, send, once=True) for name, send in sends.items()]
