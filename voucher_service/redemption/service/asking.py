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
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till
from voucher_service.merchants.stands import DeviceNotEnrolled
from voucher_service.tradein.qualifications import Qualification
from voucher_service.tradein.qualifications import Status as Standing
from voucher_service.tradein.sales import service as sales
from voucher_service.tradein.sales.model import QualificationUsed
from voucher_service.tradein.sales.offering import Offered
from voucher_service.tradein.service import using
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeInvalid, Read
from voucher_service.vouchers.model import AlreadyRedeemed, IdLastFourWrong, Voucher
from voucher_service.vouchers.model import Status as VoucherStatus

from .. import store
from ..judging import Attempt, Case, check_amount, judge
from ..judging_sales import SaleCase, judge_sale
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
from .granted import Ask, Decided, Granted, GrantedSale
from .lapsing import lapse
from .standing import cashier_of

Spent = AlreadyRedeemed | CodeUsed | QualificationUsed


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read for all asks together. `left`: what pools of qualifications can still pay."""

    vouchers: Mapping[int, Voucher]
    qualifications: Mapping[int, Qualification]
    frozen_until: Mapping[UUID, datetime]
    beside: Mapping[tuple[UUID, str], Sequence[Offer]]
    parts: Mapping[UUID, int]
    spent_at: Mapping[UUID, Redemption]
    left: dict[OfferId, Money]


def decide(
    core: Core, session: Session, asks: Sequence[Ask], now: datetime, *, holds: bool = True
) -> list[Decided]:
    """Judge asks that come together, in order. Writes nothing but the end of freezes that are over.

    What was asked before is answered again, whatever has happened since. `holds`: what is granted
    will be held, so that nobody else takes from the same pools until the transaction ends.
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
            standing[place] = (ask, till, read_code(core, session, ask.code, now))
    at_tills = list(standing.values())
    known = _known(core, session, at_tills, now, holds=holds)
    # After what it spends: a request that is spent by then finds itself here, and is no stranger's.
    pasts = store.pasts(
        session,
        shops=[till.shop_id for _, till, _ in at_tills],
        references=[one.order.reference for one, _, _ in at_tills],
        key_hashes=[hash_of(one.key) for one, _, _ in at_tills],
        nonces=[read.nonce if read else b"" for _, _, read in at_tills],
        now=now,
    )
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
    core: Core,
    session: Session,
    asks: Sequence[tuple[Ask, Till, Read | None]],
    now: datetime,
    *,
    holds: bool,
) -> _Known:
    refs = {read.code_ref for _, _, read in asks if read}
    found = vouchers.by_code_refs(session, code_refs=refs)
    others = using.by_code_refs(session, code_refs=refs - found.keys())
    frozen: set[UUID] = {one.id for one in found.values() if one.status is VoucherStatus.FROZEN}
    frozen |= {one.id for one in others.values() if one.status is Standing.FROZEN}
    until: Mapping[UUID, datetime] = {}
    if frozen:
        until = _until(core, session, frozen, now)
        if len(until) < len(frozen):
            found = vouchers.by_code_refs(session, code_refs=found.keys())
            others = using.by_code_refs(session, code_refs=others.keys())
    tickets = {(till.shop_id, one.order.ticket_reference) for one, till, _ in asks}
    beside = store.beside(session, [(shop, ticket) for shop, ticket in tickets if ticket])
    terms = campaigns.terms(session, offers={one for all_ in beside.values() for one in all_})
    in_parts = [one.id for one in found.values() if one.offer.kind in IN_PARTS]
    spent: set[UUID] = {one.id for one in found.values() if one.status is VoucherStatus.REDEEMED}
    spent |= {one.id for one in others.values() if one.status is Standing.USED}
    pools = {one.pool.offer.id for one in others.values() if one.status is Standing.CLAIMED}
    return _Known(
        found,
        others,
        until,
        {ticket: [terms[one] for one in offers] for ticket, offers in beside.items()},
        store.next_parts(session, in_parts),
        spent_at(session, spent),
        using.money_left(session, offers=pools, alone=holds) if pools else {},
    )


def _until(core: Core, session: Session, frozen: set[UUID], now: datetime) -> dict[UUID, datetime]:
    """Until when these are held; without those whose freeze was over, which ends here."""
    until: dict[UUID, datetime] = {}
    for one in store.freezes(session, store.claimed_in(frozen), at=core.clock.at):
        if not one.over or not lapse(core, session, one.id, now):
            until[one.claimed] = one.expires_at
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
    key_hash, body = hash_of(ask.key), ask.body_hash(read)
    voucher = known.vouchers.get(read.code_ref) if read else None
    qualification = known.qualifications.get(read.code_ref) if read else None
    claim = voucher or qualification
    try:
        check_amount(ask.order, Money(core.settings.till.max_order_fen))
        first = _first(past.earlier, ask.order, key_hash, body)
        if first is not None:
            (found,) = store.redemptions(session, RedemptionRow.id == first)
            return Outcome(found, replayed=True)
        known_read = read if claim else None
        attempt = _attempt(core, session, ask.order, till, known_read, claim, past, known, now)
        if qualification is not None:
            offered = _sold(session, attempt, qualification, known)
        else:
            discount = judge(_case(core, session, attempt, voucher, known))
    except (AlreadyRedeemed, CodeUsed, QualificationUsed) as refusal:
        return with_place(refusal, known.spent_at.get(claim.id) if claim else None)
    except DomainError as refusal:
        return refusal
    assert read is not None  # else it was refused
    if qualification is not None:
        subsidy = offered.quote.subsidy
        return GrantedSale(ask, till, read, subsidy, key_hash, body, qualification, offered)
    assert voucher is not None  # else it was refused
    part = known.parts.get(voucher.id, 1)
    return Granted(ask, till, read, discount, key_hash, body, voucher, part)


def _attempt(
    core: Core,
    session: Session,
    order: Order,
    till: Till,
    read: Read | None,
    claim: Voucher | Qualification | None,
    past: Past,
    known: _Known,
    now: datetime,
) -> Attempt:
    own = (
        claim is not None
        and bool(till.identity_hashes)
        and identity.holds_identity(
            session, resident=claim.resident_id, hashes=till.identity_hashes
        )
    )
    return Attempt(
        till,
        order,
        now,
        core.settings.till.code_window_seconds,
        read,
        locked_seconds=_locked(core, past, now),
        nonce_used=past.nonce_used,
        frozen_until=known.frozen_until.get(claim.id) if claim else None,
        stopped=past.stopped,
        own=own,
    )


def _case(
    core: Core, session: Session, attempt: Attempt, voucher: Voucher | None, known: _Known
) -> Case:
    holder, order = None, attempt.order
    if voucher is not None and attempt.read is not None:
        holder = _holder(core, session, attempt.read, voucher, order)
    receipt = attempt.till.shop_id, order.ticket_reference or ""
    return Case(attempt, voucher, holder, tuple(known.beside.get(receipt, ())))


def _sold(
    session: Session, attempt: Attempt, qualification: Qualification, known: _Known
) -> Offered:
    """What is sold; others of the same moment then know what the pool has left."""
    pool, order, till = qualification.pool.offer.id, attempt.order, attempt.till
    asked = sales.look_up(
        session,
        items=order.items,
        amount=order.amount,
        list_price=order.list_price,
        qualification=qualification,
        merchant=till.merchant_id,
        area=till.area,
        now=attempt.now,
        payer=order.payer,
        receiver=order.receiver,
        traces=order.traces,
    )
    left = known.left.get(pool, ZERO)
    offered = judge_sale(SaleCase(attempt, qualification, asked, left))
    known.left[pool] = left - offered.quote.subsidy
    return offered


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
    """The latest order of each of these vouchers and qualifications, which are spent."""
    if not spent:
        return {}
    mine = store.claimed_in(spent), RedemptionRow.status == Status.COMMITTED
    return {one.claimed: one for one in reversed(store.redemptions(session, *mine))}


def with_place(refusal: Spent, order: Redemption | None) -> Spent:
    """The refusal that tells when and where: it ends "you already used it" disputes."""
    if order is None:
        return refusal
    at, shop = order.occurred_at, order.shop_name
    return type(refusal)(
        extra={"redeemed_at": at.isoformat(), "shop": shop}, redeemed_at=at, shop=shop
    )


def read_code(core: Core, session: Session, code: str, now: datetime) -> Read | None:
    """What a code says, of a voucher or of a qualification; None when it is none of ours."""
    try:
        return vouchers.read_code(
            session,
            keyring=core.keyring,
            text=code,
            now=now,
            window_seconds=core.settings.till.code_window_seconds,
            also=using.code_refs_within,
        )
    except CodeInvalid:
        return None
