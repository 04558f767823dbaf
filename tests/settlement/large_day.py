"""A large day written by a few statements: redemptions of real offers at many merchants, with the
money in the ledger that belongs to them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from random import Random

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.make import CITY, World
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import CashierId, MerchantId
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, move, pool
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind
from voucher_service.merchants.model import SizeClass, SyntheticShop, SyntheticTill, Trade
from voucher_service.merchants.service import banking
from voucher_service.replay.strangers import credit_code

_OFFERS, _LIMIT, _AT_ONCE = 5, 100, 2_000
_VOUCHERS = text("""
INSERT INTO voucher (id, offer_id, release_id, release_quota, slot, resident_id, ordinal,
    generation, epoch, holds_slot, claim_key_hash, occurred_at, face_value_fen, spent_fen, status,
    valid_from, valid_until, code_ref)
SELECT uuidv7(), CAST(:offer AS uuid), :release, CAST(:quota AS int), n + 1,
    (CAST(:residents AS uuid[]))[n / CAST(:limit AS int) + 1], n % CAST(:limit AS int) + 1, 1,
    CAST(:epoch AS int), true,
    sha256(CAST(CAST(:offer AS text) || '/' || n AS bytea)), CAST(:at AS timestamptz),
    CAST(:face AS bigint), CAST(:face AS bigint), 'redeemed', CAST(:at AS timestamptz), :until,
    CAST(:first AS bigint) + n
FROM generate_series(0, CAST(:quota AS int) - 1) AS n
""")
_REDEMPTIONS = text("""
INSERT INTO redemption (id, merchant_id, shop_id, cashier_id, voucher_id, offer_id, part,
    order_reference, key_hash, body_hash, nonce, code_window, order_amount_fen, discount_fen,
    refunded_fen, refunded_discount_fen, paid_fen, status, phase, occurred_at, claimed_on)
SELECT uuidv7(), (CAST(:merchants AS uuid[]))[place], (CAST(:shops AS uuid[]))[place],
    (CAST(:cashiers AS uuid[]))[place], id, offer_id, 1, CAST(id AS text),
    sha256(CAST(CAST(id AS text) AS bytea)), '',
    decode(replace(CAST(id AS text), '-', ''), 'hex'), 0, 12800, face_value_fen, 0, 0,
    12800 - face_value_fen, 'committed', 'none', CAST(:at AS timestamptz),
    CAST(CAST(:at AS timestamptz) AT TIME ZONE 'Asia/Shanghai' AS date)
FROM (SELECT id, offer_id, face_value_fen, slot * 7919 % CAST(:count AS int) + 1 AS place
      FROM voucher WHERE offer_id = CAST(:offer AS uuid)) v
""")


def make(core: Core, *, shops: int, redemptions: int) -> None:
    """Yesterday's redemptions, as many at each merchant."""
    with core.transaction() as session:
        now = core.now(session)
    then = with_clock(core, Clock(now - timedelta(days=1, hours=1)))
    world = World(then)
    tills = _tills(then, shops)
    each = redemptions // _OFFERS
    residents = [one.id for one in world.residents(-(-each // _LIMIT))]
    plan = world.plan(quota=each, limit=_LIMIT)
    for number in range(_OFFERS):
        offer = world.offer(plan)
        with then.transaction() as session:
            session.execute(text("SET LOCAL statement_timeout = '30min'"))
            _write(session, offer, residents, tills, first=number * each)
            amount = offer.face_value * each
            pools = [
                pool(offer.id, stage)
                for stage in (Stage.RESERVED, Stage.OUTSTANDING, Stage.COMMITTED)
            ]
            at = then.now(session)
            for code, (source, target) in zip(
                (Code.CLAIMED, Code.REDEEMED), itertools.pairwise(pools), strict=True
            ):
                legs = move(amount, source, target)
                ledger.post(session, code=code, key=str(offer.id), legs=legs, now=at)


def _write(
    session: Session,
    offer: Offer,
    residents: Sequence[object],
    tills: Sequence[SyntheticTill],
    *,
    first: int,
) -> None:
    (release,) = offer.releases
    epoch = campaigns.raise_epoch(session, offer.id)
    at = release.opens_at + timedelta(minutes=1)
    told = {
        "offer": str(offer.id),
        "release": release.id,
        "quota": offer.quota,
        "residents": residents,
        "limit": _LIMIT,
        "epoch": epoch,
        "at": at,
        "until": offer.valid_until(at),
        "face": offer.face_value.fen,
        "first": 10**12 + first,
    }
    session.execute(_VOUCHERS, told)
    places = {
        "merchants": [one.merchant_id for one in tills],
        "shops": [one.shop_id for one in tills],
        "cashiers": [one.cashier_id for one in tills],
        "count": len(tills),
    }
    session.execute(_REDEMPTIONS, told | places)


def _tills(core: Core, count: int) -> list[SyntheticTill]:
    """Merchants with one shop and an account each."""
    rng, found = Random(1), list[SyntheticTill]()
    with core.transaction() as session:
        now = core.now(session)
    while len(found) < count:
        some = range(len(found), min(count, len(found) + _AT_ONCE))
        shops = [
            SyntheticShop(
                merchant_name=f"商户 {number}",
                uscc=credit_code(rng),
                size_class=SizeClass.SMALL,
                shop_name=f"门店 {number}",
                area=CITY,
                trade=Trade.DINING,
            )
            for number in some
        ]
        made = merchants.register_synthetic_shops(core, shops=shops, now=now)
        with core.transaction() as session:
            for place, one in zip(some, made, strict=True):
                banking.enter_account(
                    session,
                    merchant=MerchantId(one.merchant_id),
                    kind=AccountKind.CORPORATE,
                    holder={"name": f"商户 {place}", "number": f"4417{place:012d}"},
                    bank="中国银行阳江分行",
                    cnaps="104589000012",
                    requested_by=CashierId(one.cashier_id),
                    now=now,
                )
        found += made
    return found
