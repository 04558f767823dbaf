"""Every row of "when a reply is lost" (docs/till.md): a proxy cuts it between till and server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from merchant_portal.app import create_app
from tests.faults.cutting import Lost, Wire, cutting
from tests.make import World
from tests.services.test_redemption import _fresh_code
from tests.web.serving import serving
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.reports import verification
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

URL = "/api/v1/redemptions"
# Nothing of the reply, its first line, and all but its end.
CUTS = [(Lost.REQUEST, 0), (Lost.REPLY, 0), (Lost.REPLY, 20), (Lost.REPLY, 400)]


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """Enough vouchers for every cut."""
    return world.offer(world.plan(quota=100))


@pytest.fixture(scope="module")
def till(core: Core, world: World) -> Iterator[Wire]:
    """A till behind the proxy."""
    cashier = world.cashier()
    assert cashier.id
    token = issue(core, Face.MERCHANT, cashier.id).access_token
    with serving(create_app(core)) as url, cutting(url) as cutter:
        yield Wire(cutter, token)


@pytest.fixture
def voucher(world: World, offer: Offer) -> Voucher:
    """A claimed voucher."""
    return world.claim(offer)


def order(world: World, voucher: Voucher) -> dict[str, Any]:
    """A bill with a fresh code."""
    code = _fresh_code(world, voucher.code_ref)
    return {"code": code, "order_amount_fen": 12_800, "order_reference": uuid4().hex}


def status(world: World, voucher: Voucher) -> str:
    """How the voucher stands for its holder."""
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    return str(vouchers.get(world.core, actor=owner, voucher=voucher.id).status)


@pytest.mark.parametrize(("lost", "bytes_"), CUTS)
@pytest.mark.parametrize("path", [URL, f"{URL}/freeze"])
def test_an_order_whose_reply_is_lost_is_sent_again(
    till: Wire, world: World, voucher: Voucher, path: str, lost: Lost, bytes_: int
) -> None:
    body, key = order(world, voucher), uuid4().hex
    assert till.losing(lost, bytes_, "POST", path, body, key=key) is None
    again = till.call("POST", path, body | {"code": _fresh_code(world, voucher.code_ref)}, key)
    assert again is not None and again[0] == 201
    once_more = till.call("POST", path, body, key)
    asked = till.call("GET", f"{URL}?order_reference={body['order_reference']}")
    assert once_more == again and asked is not None and asked[1]["items"] == [again[1]]


@pytest.mark.parametrize(("lost", "bytes_"), CUTS)
@pytest.mark.parametrize(("step", "ends"), [("commit", "committed"), ("cancel", "cancelled")])
def test_a_second_step_whose_reply_is_lost_is_asked_for_and_sent_again(
    till: Wire, world: World, voucher: Voucher, step: str, ends: str, lost: Lost, bytes_: int
) -> None:
    body, key = order(world, voucher), uuid4().hex
    held = till.call("POST", f"{URL}/freeze", body, uuid4().hex)
    assert held is not None
    path = f"{URL}/{held[1]['id']}/{step}"
    assert till.losing(lost, bytes_, "POST", path, key=key) is None
    asked = till.call("GET", f"{URL}?order_reference={body['order_reference']}")
    assert asked is not None
    assert asked[1]["items"][0]["status"] == ("frozen" if lost is Lost.REQUEST else ends)
    done = till.call("POST", path, key=key)
    assert done is not None and (done[0], done[1]["status"]) == (200, ends)
    assert till.call("POST", path, key=key) == done


@pytest.mark.parametrize(("lost", "bytes_"), CUTS)
@pytest.mark.parametrize(
    ("before", "ends"), [("", "refused"), ("/freeze", "cancelled"), ("one step", "reversed")]
)
def test_a_till_that_gave_up_reverses_until_it_hears_an_answer(
    till: Wire, world: World, voucher: Voucher, before: str, ends: str, lost: Lost, bytes_: int
) -> None:
    body = order(world, voucher)
    if before:
        path = URL if before == "one step" else URL + before
        assert till.losing(Lost.REPLY, 0, "POST", path, body, key=uuid4().hex) is None
    undo = {"order_reference": body["order_reference"], "reason": "no reply"}
    assert till.losing(lost, bytes_, "POST", f"{URL}/reverse", undo, key=uuid4().hex) is None
    told = till.call("POST", f"{URL}/reverse", undo, uuid4().hex)
    assert told is not None and (told[0], told[1]["status"]) == (200, ends)
    assert till.call("POST", f"{URL}/reverse", undo, uuid4().hex) == told
    assert status(world, voucher) == "claimed"


def test_an_original_that_comes_after_its_reversal_is_refused(
    till: Wire, world: World, voucher: Voucher
) -> None:
    body = order(world, voucher)
    undo = {"order_reference": body["order_reference"], "reason": "no reply"}
    till.call("POST", f"{URL}/reverse", undo, uuid4().hex)
    for path in (URL, f"{URL}/freeze"):
        late = till.call("POST", path, body, uuid4().hex)
        assert late is not None and (late[0], late[1]["code"]) == (409, "order_refused")


def test_another_amount_under_the_same_order_says_neither(
    till: Wire, world: World, voucher: Voucher
) -> None:
    body = order(world, voucher)
    assert till.losing(Lost.REPLY, 0, "POST", URL, body, key=uuid4().hex) is None
    other = till.call("POST", URL, body | {"order_amount_fen": 12_900}, uuid4().hex)
    assert other is not None and (other[0], other[1]["code"]) == (422, "order_reference_reused")
    assert not {"order_amount_fen", "voucher_id"} & set(other[1])


def test_of_two_at_once_one_wins_and_both_hear_of_it(
    till: Wire, world: World, voucher: Voucher
) -> None:
    body, key = order(world, voucher), uuid4().hex
    with ThreadPoolExecutor(2) as both:
        told = list(both.map(lambda _: till.call("POST", URL, body, key), range(2)))
    for _ in range(20):
        if all(one is not None and one[0] == 201 for one in told):
            break
        told = [till.call("POST", URL, body, key) for _ in told]
    assert told[0] == told[1]


def test_what_was_cut_was_cut_and_the_books_are_clean(till: Wire, core: Core) -> None:
    assert till.cutter.cuts >= len(CUTS) * 7
    assert verification.verify(core).breaches == ()
