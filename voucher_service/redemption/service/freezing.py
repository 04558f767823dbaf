"""Two steps: set a voucher or a qualification aside for an order, then commit or cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.infra import idempotency
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import RedemptionId, ResidentId, ShopId, VoucherId
from voucher_service.ledger import service as ledger
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status as VoucherStatus
from voucher_service.vouchers.service import Spend

from .. import store
from ..judging import check_merchant
from ..model import (
    LIFECYCLE,
    AlreadyCommitted,
    Event,
    FreezeLapsed,
    Order,
    Redemption,
    RedemptionOver,
    Status,
)
from ..tables import RedemptionRow
from . import selling
from .answering import Grants, answer_all
from .granted import Ask, Granted, GrantedSale
from .lapsing import end, lapse
from .redeeming import free_unused, unused
from .standing import cashier_of, claim_of, record_frozen

BY_RESIDENT = "resident"
"""The reason of a freeze that the holder ended."""


def freeze(core: Core, *, actor: Actor, code: str, order: Order, key: str) -> Outcome[Redemption]:
    """Set a voucher or a qualification with its unit aside for an order, for `till.freeze_seconds`;
    commit or cancel ends it.

    Refusals and repeats as of `redeem`. A freeze that is over by itself leaves all of it free.
    """
    (answer,) = answer_all(core, [Ask(actor, code, order, key, freezes=True)], _hold)
    if isinstance(answer, DomainError):
        raise answer
    return answer


def commit(core: Core, *, actor: Actor, redemption: RedemptionId, key: str) -> Outcome[Redemption]:
    """Spend what is frozen. Once more gives the same answer.

    The statement that commits judges the freeze's end, by PostgreSQL's clock. A voucher that
    expires meanwhile counts still.

    Raises NoSuchThing (for another shop's too), MerchantSuspended, FreezeLapsed, RedemptionOver,
    KeyReused.
    """
    refusal: DomainError | None = None
    with core.transaction() as session:
        now = core.now(session)
        till = merchants.till(session, cashier=cashier_of(actor))
        _once(session, till, "commit", redemption, key)
        row = _row(session, till, redemption)
        replayed = row.status is Status.COMMITTED
        if row.status is Status.FROZEN:
            check_merchant(till)
            if _committed(core, session, actor, row, now):
                _spend(session, actor, till, row, now)
            else:
                # Its time was over, or a second request ended it: the row says which.
                lapse(core, session, redemption, now)
                row = _row(session, till, redemption)
                replayed = row.status is Status.COMMITTED
                refusal = _not_committed(row.status)
        else:
            refusal = _not_committed(row.status)
        done = _view(session, redemption)
    if refusal is not None:
        raise refusal
    return Outcome(done, replayed=replayed)


def cancel(core: Core, *, actor: Actor, redemption: RedemptionId, key: str) -> Outcome[Redemption]:
    """Let a frozen voucher go. What ended without spending before is answered as it stands.

    Raises NoSuchThing (for another shop's too), AlreadyCommitted, KeyReused.
    """
    with core.transaction() as session:
        now = core.now(session)
        till = merchants.till(session, cashier=cashier_of(actor))
        _once(session, till, "cancel", redemption, key)
        row = _row(session, till, redemption, lock=True)
        replayed = row.status is not Status.FROZEN
        if row.status is Status.FROZEN and not lapse(core, session, redemption, now):
            end(session, redemption, Event.CANCELLED, actor=actor, now=now)
        if row.status is Status.COMMITTED:
            raise AlreadyCommitted
        return Outcome(_view(session, redemption), replayed=replayed)


def release(core: Core, *, actor: Actor, redemption: RedemptionId) -> Redemption:
    """The holder of what is frozen lets it go: the order can't be committed any more.

    What ended before is answered as it stands. Raises NoSuchThing, for another's too.
    """
    with core.transaction() as session:
        now = core.now(session)
        row = store.row(session, RedemptionRow.id == redemption, lock=True)
        if row is None or _holder(session, row) != actor.id:
            raise NoSuchThing
        if row.status is Status.FROZEN and not lapse(core, session, redemption, now):
            end(session, redemption, Event.CANCELLED, actor=actor, now=now, reason=BY_RESIDENT)
        return _view(session, redemption)


def _hold(session: Session, won: Grants, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    for one, row in zip(won, rows, strict=True):
        if isinstance(one, GrantedSale):
            selling.hold(session, one, row, now)
        else:
            _hold_voucher(session, one, row, now)


def _hold_voucher(session: Session, one: Granted, row: dict[str, Any], now: datetime) -> None:
    actor, offer = one.ask.actor, one.voucher.offer.id
    vouchers.hold(session, vouchers=[(one.voucher, actor)], now=now)
    record_frozen(session, row["id"], one, now)
    ledger.freeze(session, id=row["id"], offer=offer, amount=one.discount, now=now)


def _committed(
    core: Core, session: Session, actor: Actor, row: RedemptionRow, now: datetime
) -> bool:
    """Commit the row, if its freeze still holds and nobody else ended it."""
    try:
        audit.transition(
            session,
            RedemptionRow,
            id=row.id,
            current=Status.FROZEN,
            lifecycle=LIFECYCLE,
            event=Event.COMMITTED,
            actor=actor,
            now=now,
            also=[store.unexpired(core.clock.at)],
            set_={"occurred_at": now},
            detail=claim_of(row),
        )
    except OvertakenByAnother:
        return False
    return True


def _spend(session: Session, actor: Actor, till: Till, row: RedemptionRow, now: datetime) -> None:
    assert row.discount_fen is not None
    if row.voucher_id is None:
        selling.sell(session, row, actor, till.area, now)
        sold = {RedemptionId(row.id): till.area}
        selling.observe(session, sold=sold, day=day_of(now))
        return
    (voucher,) = vouchers.by_ids(session, ids=[VoucherId(row.voucher_id)]).values()
    assert voucher.status is VoucherStatus.FROZEN  # by this very redemption
    rest = unused(voucher, row.discount_fen)
    whole = voucher.spent + row.discount_fen + rest == voucher.face_value
    spent = Spend(voucher, row.discount_fen, whole, actor)
    vouchers.spend(session, spends=[spent], now=now)
    ledger.resolve(
        session,
        id=row.id,
        commit=True,
        now=now,
        unused=rest,
        shop_area=voucher.offer.paying_area(till.area),
    )
    free_unused(session, {voucher.offer.id: rest}, now)


def _holder(session: Session, row: RedemptionRow) -> ResidentId | None:
    """Whose voucher or qualification it is; of a tombstone nobody's."""
    if row.voucher_id is not None:
        (voucher,) = vouchers.by_ids(session, ids=[VoucherId(row.voucher_id)]).values()
        return voucher.resident_id
    if row.qualification_id is not None:
        return selling.qualification_of(session, row).resident_id
    return None


def _not_committed(status: Status) -> DomainError | None:
    if status is Status.COMMITTED:
        return None
    return FreezeLapsed() if status is Status.LAPSED else RedemptionOver(status=str(status))


def _once(session: Session, till: Till, step: str, redemption: RedemptionId, key: str) -> None:
    """A key is for one request of a shop; what was asked before is answered by how things stand."""
    idempotency.once(
        session,
        scope=f"till:{till.shop_id}",
        key=key,
        body={step: str(redemption)},
        result=redemption,
    )


def _row(
    session: Session, till: Till, redemption: RedemptionId, *, lock: bool = False
) -> RedemptionRow:
    row = store.row(
        session,
        RedemptionRow.id == redemption,
        RedemptionRow.shop_id == ShopId(till.shop_id),
        RedemptionRow.status != Status.REFUSED,
        lock=lock,
    )
    if row is None:
        raise NoSuchThing
    return row


def _view(session: Session, redemption: RedemptionId) -> Redemption:
    (found,) = store.redemptions(session, RedemptionRow.id == redemption)
    return found
