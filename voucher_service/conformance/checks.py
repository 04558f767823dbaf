"""What a server must do, one check after another; each on a voucher and an order of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .till import Answer, Till

REDEEM, FREEZE, REVERSE = "/redemptions", "/redemptions/freeze", "/redemptions/reverse"
Body = dict[str, Any]


class FailedError(Exception):
    """The server did something else; the text says what."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the contract. `slow`: it waits until a freeze is over."""

    title: str
    run: Callable[[Till], None]
    slow: bool = False


CHECKS: list[Check] = []


def check(title: str, *, slow: bool = False) -> Callable[[Callable[[Till], None]], None]:
    """Put a function on the list."""
    return lambda run: CHECKS.append(Check(title, run, slow))


def expect(answer: Answer, status: int, code: str = "") -> Body:
    """The body of an answer with this status and, for a refusal, this code. Raises FailedError."""
    if (answer.status, answer.refusal) != (status, code):
        raise FailedError(f"expected {status} {code}".rstrip() + f", got {answer}")
    kind = answer.headers.get("content-type", "")
    if status >= 400 and not (
        kind.startswith("application/problem+json") and answer.body["detail"]
    ):
        raise FailedError(f"a refusal is application/problem+json with a detail, this is {kind}")
    return answer.body


def require(holds: object, otherwise: str) -> None:
    """Raises FailedError with that reason."""
    if not holds:
        raise FailedError(otherwise)


def bill(till: Till, want: str = "fresh") -> Body:
    """An order with a code of the sandbox."""
    got = expect(till.post("/sandbox/codes", {"want": want}), 201)
    return {
        "code": got["code"],
        "order_amount_fen": got["order_amount_fen"],
        "order_reference": f"check-{uuid4().hex}",
    }


def same(first: Body, again: Body, of: str) -> None:
    """Both answers are of one redemption. Raises FailedError."""
    require(first.get("id") == again.get("id"), f"{of} made another redemption")


def of_order(till: Till, order: Body) -> list[Body]:
    """What became of an order."""
    found = expect(till.get(f"{REDEEM}?order_reference={order['order_reference']}"), 200)
    return list(found["items"])


def undo(till: Till, order: Body) -> Answer:
    """Reverse an order."""
    told = {"order_reference": order["order_reference"], "reason": "conformance check"}
    return till.post(REVERSE, told)


@check("a signed request is answered")
def _signed(till: Till) -> None:
    expect(till.get("/me"), 200)


@check("a request without a signature is refused")
def _bare(till: Till) -> None:
    bare = replace(till.signed("GET", "/me"), headers={"Accept": "application/json"})
    expect(till.send(bare), 401, "token_missing")


@check("a changed body is refused")
def _changed(till: Till) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
    made = till.signed("POST", REDEEM, b'{"code": "1"}', headers)
    expect(till.send(replace(made, body=b'{"code": "2"}')), 401, "digest_mismatch")


@check("another idempotency key than the signed one is refused")
def _other_key(till: Till) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
    made = till.signed("POST", REDEEM, b"{}", headers)
    swapped = dict(made.headers) | {"Idempotency-Key": uuid4().hex}
    expect(till.send(replace(made, headers=swapped)), 401, "signature_invalid")


@check("a signature of another key is refused")
def _forged(till: Till) -> None:
    expect(till.get("/me", key=Ed25519PrivateKey.generate()), 401, "signature_invalid")


@check("a nonce counts once")
def _nonce(till: Till) -> None:
    made = till.signed("GET", "/me")
    expect(till.send(made), 200)
    expect(till.send(made), 401, "signature_replayed")


@check("a signature of two minutes ago, or ahead, is refused")
def _stale(till: Till) -> None:
    for ago in (timedelta(minutes=2), timedelta(minutes=-2)):
        expect(till.get("/me", ago=ago), 401, "signature_expired")


@check("an unknown key is refused")
def _unknown(till: Till) -> None:
    expect(till.get("/me", key_id=str(uuid4())), 401, "key_unknown")


@check("one step: redeemed, and the sums are right")
def _one_step(till: Till) -> None:
    order = bill(till)
    done = expect(till.post(REDEEM, order), 201)
    require(done["status"] == "committed", f"status {done['status']}")
    rest = order["order_amount_fen"] - done["discount_fen"]
    require(
        done["discount_fen"] > 0 and done["payable_fen"] == rest, "payable is not order - discount"
    )
    require(done["net_paid_fen"] == rest and done["refunded_fen"] == 0, "nothing was refunded yet")


@check("a retry with the same key: the same answer, marked as replayed")
def _retry(till: Till) -> None:
    order, key = bill(till), uuid4().hex
    first = expect(till.post(REDEEM, order, key=key), 201)
    again = till.post(REDEEM, order, key=key)
    same(first, expect(again, 201), "a retry with the same idempotency key")
    require(again.replayed, "the second answer lacks Idempotency-Replayed: true")
    require(len(of_order(till, order)) == 1, "the order is there more than once")


@check("two requests with one key at the same moment redeem once")
def _at_once(till: Till) -> None:
    order, key = bill(till), uuid4().hex
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: till.post(REDEEM, order, key=key), range(2)))
    for one in both:
        require(one.status == 201 or one.refusal == "in_progress", f"one got {one}")
    require(len(of_order(till, order)) == 1, "not exactly one redemption")
    expect(till.post(REDEEM, order, key=key), 201)


@check("the same key for another order is refused")
def _key_reused(till: Till) -> None:
    order, key = bill(till), uuid4().hex
    expect(till.post(REDEEM, order, key=key), 201)
    expect(till.post(REDEEM, bill(till), key=key), 422, "idempotency_key_reused")


@check("without an idempotency key nothing is redeemed")
def _no_key(till: Till) -> None:
    order = bill(till)
    expect(till.post(REDEEM, order, key=""), 400, "idempotency_key_missing")
    require(not of_order(till, order), "it was redeemed all the same")


@check("the same order again, under a new key: the first answer")
def _same_order(till: Till) -> None:
    order = bill(till)
    first = expect(till.post(REDEEM, order), 201)
    same(first, expect(till.post(REDEEM, order), 201), "the same order under a new key")


@check("an order reference with other content is refused for ever")
def _other_order(till: Till) -> None:
    order = bill(till)
    expect(till.post(REDEEM, order), 201)
    other = order | {"order_amount_fen": order["order_amount_fen"] + 1}
    expect(till.post(REDEEM, other), 422, "order_reference_reused")


@check("a lost reply: the order is found by its reference")
def _lost(till: Till) -> None:
    order = bill(till)
    require(not of_order(till, order), "an order that was never sent is there")
    done = expect(till.post(REDEEM, order), 201)
    found = of_order(till, order)
    require([one["id"] for one in found] == [done["id"]], "the order is not found")
    require(found[0]["status"] == "committed", f"found as {found[0]['status']}")


def _refusal(want: str) -> Callable[[Till], None]:
    def run(till: Till) -> None:
        got = expect(till.post("/sandbox/codes", {"want": want}), 201)
        order = bill(till)
        refused = {"code": got["code"], "order_amount_fen": got["order_amount_fen"]}
        expect(till.post(REDEEM, order | refused), got["expect"]["status"], got["expect"]["code"])
        require(not of_order(till, order), "a refused attempt left a redemption behind")
        expect(till.post(REDEEM, order), 201)  # and burnt no order reference

    return run


for _want in ("below_threshold", "expired", "used", "redeemed", "frozen", "forged", "wrong_shop"):
    check(f"refused as it is, and the order may be tried again: {_want}")(_refusal(_want))
