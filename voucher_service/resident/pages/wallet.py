"""What a resident holds, by state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template, request

from voucher_service.kernel.actor import Actor
from voucher_service.kernel.money import Money
from voucher_service.kernel.page import MOST
from voucher_service.tradein import service as tradein
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status, Voucher
from voucher_service.web.auth import actor
from voucher_service.web.site import core, now

pages = Blueprint("wallet", __name__)
STATES: dict[str, frozenset[Status]] = {
    "usable": frozenset({Status.CLAIMED, Status.FROZEN}),
    "used": frozenset({Status.REDEEMED}),
    "ended": frozenset({Status.EXPIRED, Status.RETURNED}),
}


@dataclass(frozen=True, slots=True)
class Pocket:
    """The vouchers that can be used, in one line."""

    count: int
    total: Money
    first_ends: datetime
    brands: tuple[str, ...]


@pages.get("/vouchers")
def show() -> str:
    """My vouchers; `?state=` usable, used or ended."""
    state = request.args.get("state", "usable")
    chosen = state if state in STATES else "usable"
    page = vouchers.wallet(core(), actor=actor(), cursor=request.args.get("cursor"), limit=MOST)
    by_state = {name: _in_state(page.items, name) for name in STATES}
    if chosen == "usable":
        by_state[chosen].sort(key=lambda one: one.valid_until)
    return render_template(
        "resident/wallet.html",
        state=chosen,
        counts={name: len(found) for name, found in by_state.items()},
        vouchers=by_state[chosen],
        older=page.next,
        qualified=bool(tradein.mine(core(), actor=actor(), cursor=None, limit=1).items),
    )


def pocket_of(reader: Actor) -> Pocket | None:
    """What the reader can use; None when there is nothing."""
    page = vouchers.wallet(core(), actor=reader, cursor=None, limit=MOST)
    usable = sorted(_in_state(page.items, "usable"), key=lambda one: one.valid_until)
    if not usable:
        return None
    return Pocket(
        len(usable),
        Money.total(one.left for one in usable),
        usable[0].valid_until,
        tuple(dict.fromkeys(one.offer.brand for one in usable)),
    )


def _in_state(found: Sequence[Voucher], name: str) -> list[Voucher]:
    instant = now()
    return [one for one in found if one.shown_status(instant) in STATES[name]]
