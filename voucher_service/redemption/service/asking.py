"""What tills ask at one moment, judged together: each is granted, answered again, or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import IN_PARTS, Offer
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import KeyReused, Outcome, hash_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import VoucherId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till
from voucher_service.merchants.stands import DeviceNotEnrolled
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeInvalid, Read
from voucher_service.vouchers.model import AlreadyRedeemed, IdLastFourWrong, Voucher
from voucher_service.vouchers.model import Status as VoucherStatus

from .. import store
from ..judging import Case, check_amount, judge
from ..model import (
    CodeUsed,
    Order,
    OrderReferenceReused,
    OrderRefused,
    Redemption,
    SignedOut,
    Status,
)
from ..store import Earlier, Past
from ..tables import RedemptionRow
from .lapsing import lapse
from .standing import cashier_of


@dataclass(frozen=True, slots=True)
class Ask:
    """A code and a bill, from a till. `freezes`: the first of two steps. `key`: of idempotency.

    `session`: the sign-in session that the actor's token names, when it was not looked at yet.
    """

    actor: Actor
    code: str
    order: Order
    key: str
    freezes: bool = False
    session: UUID | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """An order that nothing speaks against; `part` counts the orders of its voucher."""

    ask: Ask
    till: Till
    voucher: Voucher
    read: Read
    discount: Money
    part: int
    key_hash: bytes
    body_hash: bytes

    @property
    def left(self) -> Money:
        """What the voucher is worth after this order."""
        return self.voucher.face_value - self.voucher.spent - self.discount

    @property
    def whole(self) -> bool:
        """Whether this order uses the voucher up."""
        return self.voucher.offer.kind not in IN_PARTS or not self.left


Answer = Outcome[Redemption] | DomainError
Decided = Granted | Answer


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read for all asks together."""

    vouchers: Mapping[int, Voucher]
    frozen_until: Mapping[UUID, datetime]
    beside: Mapping[tuple[UUID, str], Sequence[Offer]]
    parts: Mapping[UUID, int]
    spent_at: Mapping[UUID, Redemption]


def decide(core: Core, session: Session, asks: Sequence[Ask], now: datetime) -> list[Decided]:
    """Judge asks that come together, in order. Writes nothing but the end of freezes that are over.

    What was asked before is answered again, whatever has happened since.
    """
    decided = dict(enumerate(_let_in(session, asks)))
    tills = merchants.tills(
        session,
        cashiers={cashier_of(one.actor) for one in decided.values() if isinstance(one, Ask)},
    )
    standing: dict[int, tuple[Ask, Till, Read | None]] = {}
    for place, ask in decided.items():
        if isinstance(ask, DomainError):
            continue
        till = tills.get(cashier_of(ask.actor))
        if till is None:
            decided[place] = NoSuchThing()
        else:
            standing[place] = (ask, till, _read(core, session, ask.code, now))
    at_tills = list(standing.values())
    pasts = store.pasts(
        session,
        shops=[till.shop_id for _, till, _ in at_tills],
        references=[one.order.reference for one, _, _ in at_tills],
        key_hashes=[hash_of(one.key) for one, _, _ in at_tills],
        nonces=[read.nonce if read else b"" for _, _, read in at_tills],
        now=now,
    )
    known = _known(core, session, at_tills, now)
    judged: dict[int, Decided] = {}
    guessed: Counter[UUID] = Counter()
    for (place, (ask, till, read)), past in zip(standing.items(), pasts, strict=True):
        # Guesses of one moment count for the lock as those before it do.
        told = replace(
            past,
            bad_codes=past.bad_codes + guessed[till.shop_id],
            first_bad=past.first_bad or (now if guessed[till.shop_id] else None),
        )
        judged[place] = one = _decide(core, session, ask, till, read, told, known, now)
        guessed[till.shop_id] += isinstance(one, CodeInvalid | IdLastFourWrong)
    refused = {place: one for place, one in decided.items() if isinstance(one, DomainError)}
    return [judged[place] if place in judged else refused[place] for place in range(len(asks))]


def _let_in(session: Session, asks: Sequence[Ask]) -> list[Ask | DomainError]:
    """The asks with what is known of their actors, where a session was still to be looked at."""
    sessions = {one.session for one in asks if one.session}
    found = merchants.cashiers_at_tills(session, sessions=sessions) if sessions else {}
    let_in: list[Ask | DomainError] = []
    for one in asks:
        if one.session is None:
            let_in.append(one)
        elif (standing := found.get((cashier_of(one.actor), one.session))) is None:
            let_in.append(SignedOut())
        elif not standing.may_redeem:
            let_in.append(DeviceNotEnrolled())
        else:
            known = standing.actor.evidence
            evidence = one.actor.evidence.with_known(known)
            let_in.append(replace(one, actor=replace(standing.actor, evidence=evidence)))
    return let_in


def _known(
    core: Core, session: Session, asks: Sequence[tuple[Ask, Till, Read | None]], now: datetime
) -> _Known:
    found = vouchers.by_code_refs(session, code_refs={read.code_ref for _, _, read in asks if read})
    frozen = {one.id for one in found.values() if one.status is VoucherStatus.FROZEN}
    until: Mapping[UUID, datetime] = {}
    if frozen:
        until = _until(core, session, frozen, now)
        if len(until) < len(frozen):
            found = vouchers.by_code_refs(session, code_refs=found.keys())
    tickets = {(till.shop_id, one.order.ticket_reference) for one, till, _ in asks}
    beside = store.beside(session, [(shop, ticket) for shop, ticket in tickets if ticket])
    terms = campaigns.terms(session, offers={one for all_ in beside.values() for one in all_})
    in_parts = [one.id for one in found.values() if one.offer.kind in IN_PARTS]
    return _Known(
        found,
        until,
        {ticket: [terms[one] for one in offers] for ticket, offers in beside.items()},
        store.next_parts(session, in_parts),
        spent_at(
            session,
            {one.id for one in found.values() if one.status is VoucherStatus.REDEEMED},
        ),
    )


def _until(
    core: Core, session: Session, frozen: set[VoucherId], now: datetime
) -> dict[UUID, datetime]:
    """Until when these vouchers are held; without those whose freeze was over, which ends here."""
    until: dict[UUID, datetime] = {}
    for one in store.freezes(session, RedemptionRow.voucher_id.in_(frozen), at=core.clock.at):
        if not one.over or not lapse(core, session, one.id, now):
            until[one.voucher_id] = one.expires_at
    return until


def _decide(
    core: Core,
    session: Session,
    ask: Ask,
    till: Till,
    read: Read | None,
    past: Past,
    known: _Known,
    now: datetime,
) -> Decided:
    key_hash = hash_of(ask.key)
    body = _body_hash(ask.code if read is None else str(read.code_ref), ask)
    voucher = known.vouchers.get(read.code_ref) if read else None
    try:
        check_amount(ask.order, Money(core.settings.till.max_order_fen))
        first = _first(past.earlier, ask.order, key_hash, body)
        if first is not None:
            (found,) = store.redemptions(session, RedemptionRow.id == first)
            return Outcome(found, replayed=True)
        case = _case(core, session, ask, till, read, voucher, past, known, now)
        discount = judge(case)
    except (AlreadyRedeemed, CodeUsed) as refusal:
        return with_place(refusal, known.spent_at.get(voucher.id) if voucher else None)
    except DomainError as refusal:
        return refusal
    assert voucher is not None and read is not None  # else it was refused
    part = known.parts.get(voucher.id, 1)
    return Granted(ask, till, voucher, read, discount, part, key_hash, body)


def _case(
    core: Core,
    session: Session,
    ask: Ask,
    till: Till,
    read: Read | None,
    voucher: Voucher | None,
    past: Past,
    known: _Known,
    now: datetime,
) -> Case:
    own, holder = False, None
    if voucher is not None and read is not None:
        own = bool(till.identity_hashes) and identity.holds_identity(
            session, resident=voucher.resident_id, hashes=till.identity_hashes
        )
        holder = _holder(core, session, read, voucher, ask.order)
    ticket = ask.order.ticket_reference
    return Case(
        till,
        ask.order,
        now,
        core.settings.till.code_window_seconds,
        read,
        voucher,
        locked_seconds=_locked(core, past, now),
        nonce_used=past.nonce_used,
        holder=holder,
        frozen_until=known.frozen_until.get(voucher.id) if voucher else None,
        stopped=past.stopped,
        own=own,
        beside=tuple(known.beside.get((till.shop_id, ticket), ())) if ticket else (),
    )


def _holder(
    core: Core, session: Session, read: Read, voucher: Voucher, order: Order
) -> DomainError | None:
    try:
        vouchers.check_holder(
            session,
            keyring=core.keyring,
            read=read,
            voucher=voucher,
            id_last_four=order.id_last_four,
        )
    except DomainError as refusal:
        return refusal
    return None


def _first(earlier: Sequence[Earlier], order: Order, key_hash: bytes, body: bytes) -> UUID | None:
    """The redemption that this very request made before, if it did.

    Raises OrderRefused, KeyReused or OrderReferenceReused when something else was asked.
    """
    for one in earlier:
        if one.order_reference == order.reference and one.status is Status.REFUSED:
            raise OrderRefused(reference=order.reference)
        if one.body_hash != body or one.order_reference != order.reference:
            if one.key_hash == key_hash:
                raise KeyReused
            raise OrderReferenceReused(reference=order.reference)
    return earlier[0].id if earlier else None


def _locked(core: Core, past: Past, now: datetime) -> int | None:
    if past.first_bad is None or past.bad_codes < core.settings.till.bad_codes_per_minute:
        return None
    wait = past.first_bad + timedelta(minutes=1) - now
    return max(1, min(60, wait.seconds + 1))


def spent_at(session: Session, spent: Collection[UUID]) -> dict[UUID, Redemption]:
    """The latest order of each of these vouchers, which are spent."""
    if not spent:
        return {}
    mine = RedemptionRow.voucher_id.in_(spent), RedemptionRow.status == Status.COMMITTED
    return {one.voucher_id: one for one in reversed(store.redemptions(session, *mine))}


def with_place(
    refusal: AlreadyRedeemed | CodeUsed, order: Redemption | None
) -> AlreadyRedeemed | CodeUsed:
    """The refusal that tells when and where: it ends "you already used it" disputes."""
    if order is None:
        return refusal
    at, shop = order.occurred_at, order.shop_name
    return type(refusal)(
        extra={"redeemed_at": at.isoformat(), "shop": shop}, redeemed_at=at, shop=shop
    )


def _read(core: Core, session: Session, code: str, now: datetime) -> Read | None:
    try:
        return vouchers.read_code(
            session,
            keyring=core.keyring,
            text=code,
            now=now,
            window_seconds=core.settings.till.code_window_seconds,
        )
    except CodeInvalid:
        return None


def _body_hash(voucher: str, ask: Ask) -> bytes:
    # The voucher, not the code: after a lost reply the cashier scans the voucher's next code. Nor
    # what is evidence only.
    order = ask.order
    body: dict[str, object] = {
        "voucher": voucher,
        "amount": order.amount.fen,
        "payment": order.payment_reference,
        "items": list(order.items),
    }
    if ask.freezes:
        body["freezes"] = True
    if order.ticket_reference is not None:
        body["ticket"] = order.ticket_reference
    if order.spend is not None:
        body["spend"] = order.spend.fen
    if order.discounts:
        body["discounts"] = [[str(one.payer), one.amount.fen] for one in order.discounts]
    return hash_of(body)
