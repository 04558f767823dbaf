"""What a resident holds, and the code to show at the till."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ResidentId, VoucherId
from voucher_service.kernel.page import Page, cut, decode_moment

from .. import code, store
from ..model import Voucher
from ..tables import VoucherRow


def wallet(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Voucher]:
    """The resident's own vouchers, newest claim first."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        found = store.vouchers(session, store.of_resident(_resident(actor), after), limit=limit + 1)
    return cut(found, limit, lambda one: (one.claimed_at, one.id))


def get(core: Core, *, actor: Actor, voucher: VoucherId) -> Voucher:
    """One of the resident's own vouchers. Raises NoSuchThing, for another's too."""
    with core.transaction() as session:
        return _mine(session, actor, voucher)


def codes(
    core: Core, *, actor: Actor, voucher: VoucherId, count: int = 1
) -> tuple[Voucher, datetime, list[code.Code]]:
    """The code of this window and of the ones after it, and the server's instant.

    Raises NoSuchThing, AlreadyRedeemed, VoucherExpired.
    """
    seconds = core.settings.till.code_window_seconds
    with core.transaction() as session:
        now = core.now(session)
        found = _mine(session, actor, voucher)
    found.check_usable(now)
    first = code.window_of(now, seconds)
    made = [
        code.make(core.keyring, code_ref=found.code_ref, window=window, window_seconds=seconds)
        for window in range(first, first + count)
    ]
    return found, now, made


def by_code_ref(session: Session, *, code_ref: int) -> Voucher | None:
    """The voucher a code names."""
    found = store.vouchers(session, VoucherRow.code_ref == code_ref)
    return found[0] if found else None


def _mine(session: Session, actor: Actor, id: VoucherId) -> Voucher:
    found = store.vouchers(session, VoucherRow.id == id, VoucherRow.resident_id == _resident(actor))
    if not found:
        raise NoSuchThing
    return found[0]


def _resident(actor: Actor) -> ResidentId:
    assert actor.kind is ActorKind.RESIDENT and actor.id is not None
    return ResidentId(actor.id)
