"""The checks of what comes after, or instead of, the one step: freezes, reversals, refunds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import uuid4

from .checks import FREEZE, REDEEM, Body, bill, check, expect, of_order, require, same, undo
from .till import Answer, Till


def frozen(till: Till) -> tuple[Body, Body]:
    """An order, and its freeze."""
    order = bill(till)
    held = expect(till.post(FREEZE, order), 201)
    require(held["status"] == "frozen", f"status {held['status']}")
    require(held["freeze_expires_at"], "freeze_expires_at is missing")
    return order, held


def then(till: Till, held: Body, step: str, key: str | None = None) -> Answer:
    """Commit or cancel a freeze."""
    return till.post(f"{REDEEM}/{held['id']}/{step}", {}, key=key)


@check("two steps: frozen, then committed; once more gives the same answer")
def _commit(till: Till) -> None:
    _, held = frozen(till)
    done = expect(then(till, held, "commit"), 200)
    same(held, done, "the commit")
    require(done["status"] == "committed", f"status {done['status']}")
    again = expect(then(till, held, "commit"), 200)
    require(again["status"] == "committed", "the second commit says otherwise")


@check("two steps: a freeze that is asked for again is the same freeze")
def _freeze_again(till: Till) -> None:
    order, key = bill(till), uuid4().hex
    held = expect(till.post(FREEZE, order, key=key), 201)
    same(held, expect(till.post(FREEZE, order, key=key), 201), "a retry of the freeze")


@check("two steps: a cancelled freeze can't be committed any more")
def _cancel(till: Till) -> None:
    _, held = frozen(till)
    require(expect(then(till, held, "cancel"), 200)["status"] == "cancelled", "not cancelled")
    answer = then(till, held, "commit")
    require(answer.status == 409, f"a commit after the cancel got {answer}")


@check("two steps: what is committed isn't cancelled")
def _too_late(till: Till) -> None:
    _, held = frozen(till)
    expect(then(till, held, "commit"), 200)
    expect(then(till, held, "cancel"), 409, "already_committed")


@check("two steps: a freeze that is over can't be committed", slow=True)
def _lapsed(till: Till) -> None:
    order, held = frozen(till)
    over = datetime.fromisoformat(held["freeze_expires_at"])
    time.sleep(max(0.0, (over - datetime.now(UTC)).total_seconds()) + 1)
    expect(then(till, held, "commit"), 409, "freeze_lapsed")
    (found,) = of_order(till, order)
    require(found["status"] == "lapsed", f"the order stands as {found['status']}")


@check("a reversal undoes an order; once more gives the same answer")
def _reverse(till: Till) -> None:
    order = bill(till)
    expect(till.post(REDEEM, order), 201)
    for _ in range(2):
        require(expect(undo(till, order), 200)["status"] == "reversed", "not reversed")


@check("a reversal of a freeze cancels it")
def _reverse_freeze(till: Till) -> None:
    order, _ = frozen(till)
    require(expect(undo(till, order), 200)["status"] == "cancelled", "not cancelled")


@check("a reversal that comes first: the late original is refused")
def _tombstone(till: Till) -> None:
    order = bill(till)
    require(expect(undo(till, order), 200)["status"] == "refused", "not refused")
    expect(till.post(REDEEM, order), 409, "order_refused")


def refund(till: Till, done: Body, amount: int, key: str | None = None) -> Answer:
    """Give back a part of an order."""
    told = {"amount_fen": amount, "reason": "conformance check"}
    return till.post(f"{REDEEM}/{done['id']}/refunds", told, key=key)


@check("partial refunds: each adds up, and together they are the order")
def _refunds(till: Till) -> None:
    order = bill(till)
    done = expect(till.post(REDEEM, order), 201)
    whole = order["order_amount_fen"]
    parts = [expect(refund(till, done, part), 201) for part in (whole // 3, whole - whole // 3)]
    for one in parts:
        split = one["subsidy_part_fen"] + one["cash_part_fen"]
        require(split == one["amount_fen"], "subsidy and cash are not the amount")
    subsidy = sum(one["subsidy_part_fen"] for one in parts)
    require(subsidy == done["discount_fen"], f"the subsidy given back is {subsidy}")
    (found,) = of_order(till, order)
    require(
        found["refunded_fen"] == whole and found["net_paid_fen"] == 0, "the order says otherwise"
    )


@check("more than is left is not given back")
def _too_much(till: Till) -> None:
    order = bill(till)
    done = expect(till.post(REDEEM, order), 201)
    whole = order["order_amount_fen"]
    expect(refund(till, done, whole + 1), 422, "refund_exceeds_order")
    expect(refund(till, done, whole), 201)
    expect(refund(till, done, 1), 422, "refund_exceeds_order")


@check("a refund that is sent again is given once")
def _refund_again(till: Till) -> None:
    order, key = bill(till), uuid4().hex
    done = expect(till.post(REDEEM, order), 201)
    first = expect(refund(till, done, 1_000, key), 201)
    again = refund(till, done, 1_000, key)
    same(first, expect(again, 201), "a retry of the refund")
    require(of_order(till, order)[0]["refunded_fen"] == 1_000, "it was given twice")
