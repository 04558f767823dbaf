"""Happenings as the rows that the services would have left of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.audit.tables import EventRow
from voucher_service.infra.copying import Row, copy
from voucher_service.infra.core import core_of
from voucher_service.infra.idempotency import hash_of
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.ledger import seals
from voucher_service.ledger.model import Code, Leg, Stage, move, pool
from voucher_service.ledger.tables import EntryRow, TransferRow
from voucher_service.redemption import model as redemption
from voucher_service.redemption.tables import RedemptionRow
from voucher_service.vouchers import code as codes
from voucher_service.vouchers.model import Event, Status
from voucher_service.vouchers.service import write
from voucher_service.vouchers.store import code_ref
from voucher_service.vouchers.tables import VoucherRow

from . import copying
from .model import Claim, Claimed, Lapsed, Redeemed
from .offers import Shelf
from .people import Shop

_PAYMENT_TOLD = 0.8  # of the orders carry a payment reference
_AGENTS = [hashlib.sha256(bytes([n])).hexdigest()[:32] for n in range(12)]


class Rows:
    """Collects happenings, and writes them as one transaction when `flush` is called."""

    def __init__(
        self,
        session: Session,
        *,
        residents: Sequence[ResidentId],
        shops: Sequence[Shop],
        shelves: Sequence[Shelf],
        rng: Random,
    ) -> None:
        core = core_of(session)
        self._keyring, self._seconds = core.keyring, core.settings.till.code_window_seconds
        self._residents, self._shops, self._rng = residents, shops, rng
        self._offers = [shelf.offer for shelf in shelves]
        stages = (Stage.RESERVED, Stage.OUTSTANDING, Stage.COMMITTED)
        wanted = [pool(offer.id, stage) for offer in self._offers for stage in stages]
        wanted += [
            pool(offer.id, Stage.COMMITTED, shop_area=area)
            for offer in self._offers
            for area in offer.shop_areas
        ]
        self._accounts = copying.accounts(session, wanted)
        self._orders = [0] * len(shops)
        self._vouchers: list[Row] = []
        self._redemptions: list[Row] = []
        self._transfers: list[dict[str, Any]] = []
        self._entries: list[dict[str, Any]] = []
        self._events: list[Row] = []
        self.written_vouchers = self.written_redemptions = 0

    def __len__(self) -> int:
        return len(self._vouchers) + len(self._redemptions)

    def add(self, one: Claimed | Redeemed | Lapsed) -> None:
        """Turn a happening into rows."""
        if isinstance(one, Claimed):
            self._claimed(one)
        elif isinstance(one, Redeemed):
            self._redeemed(one)
        else:
            self._lapsed(one)

    def flush(self, session: Session) -> None:
        """Write what was collected, in the order of foreign keys."""
        numbers = copying.numbers(session, len(self._transfers))
        for number, transfer in zip(numbers, self._transfers, strict=True):
            transfer["id"] = number
        for entry in self._entries:
            entry["transfer_id"] = numbers[entry["transfer_id"]]
        self.written_vouchers += len(self._vouchers)
        self.written_redemptions += len(self._redemptions)
        for table, rows in (
            (VoucherRow, self._vouchers),
            (RedemptionRow, self._redemptions),
            (TransferRow, self._transfers),
            (EntryRow, self._entries),
            (EventRow, self._events),
        ):
            copy(session, table, rows)
            rows.clear()

    def _claimed(self, one: Claimed) -> None:
        self._vouchers += [self._voucher(one, claim) for claim in one.claims]
        offer, batch = self._offers[one.offer], str(new_id())
        ids = sorted(str(claim.id) for claim in one.claims)
        self._post(Code.CLAIMED, batch, write.claimed(offer, len(ids)), one.at)
        alone = self._residents[one.claims[0].resident] if len(ids) == 1 else None
        self._record(
            one.at,
            Actor(ActorKind.RESIDENT, alone),
            "voucher.claimed",
            ("voucher", ids[0] if alone else batch),
            (None, Status.CLAIMED),
            {
                "offer": str(offer.id),
                "ids": ids,
                "sha256": hashlib.sha256("".join(ids).encode()).hexdigest(),
            },
        )

    def _voucher(self, one: Claimed, claim: Claim) -> Row:
        offer = self._offers[one.offer]
        release, face = offer.releases[claim.position], offer.face_value.fen
        return {
            "id": claim.id,
            "offer_id": offer.id,
            "release_id": release.id,
            "release_quota": release.quota,
            "slot": claim.slot,
            "resident_id": self._residents[claim.resident],
            "ordinal": 1,
            "generation": claim.generation,
            "epoch": offer.epoch,
            "holds_slot": claim.holds_slot,
            "claim_key_hash": hash_of(f"synthesis:{claim.id}"),
            "occurred_at": one.at,
            "face_value_fen": face,
            "spent_fen": face if claim.status is Status.REDEEMED else 0,
            "status": str(claim.status),
            "valid_from": one.at,
            "valid_until": offer.valid_until(one.at),
            "code_ref": code_ref(claim.id),
            **_evidence(claim.resident, "resident"),
        }

    def _redeemed(self, one: Redeemed) -> None:
        row = self._redemption(one)
        self._redemptions.append(row)
        id, cashier = str(row["id"]), Actor(ActorKind.CASHIER, row["cashier_id"])
        about = ("voucher", str(one.voucher))
        change = (Status.CLAIMED, Status.REDEEMED)
        self._record(one.at, cashier, Event.REDEEMED, about, change)
        self._record(
            one.at,
            cashier,
            redemption.Event.COMMITTED,
            ("redemption", id),
            (None, redemption.Status.COMMITTED),
            {
                "voucher": str(one.voucher),
                "shop": str(row["shop_id"]),
                "order_amount_fen": one.order_fen,
            },
        )
        offer = self._offers[one.offer]
        apart = offer.paying_area(self._shops[one.shop].area)
        committed = pool(offer.id, Stage.COMMITTED, shop_area=apart)
        legs = move(offer.face_value, pool(offer.id, Stage.OUTSTANDING), committed)
        self._post(Code.REDEEMED, id, legs, one.at)

    def _redemption(self, one: Redeemed) -> Row:
        offer, till = self._offers[one.offer], self._shops[one.shop].till
        id, ref = new_id(), code_ref(one.voucher)
        self._orders[one.shop] += 1
        payment = f"pay-{id.hex[-20:]}" if self._rng.random() < _PAYMENT_TOLD else None
        asked = {"voucher": str(ref), "amount": one.order_fen, "payment": payment, "items": []}
        return {
            "id": id,
            "merchant_id": till.merchant_id,
            "shop_id": till.shop_id,
            "cashier_id": till.cashier_id,
            "voucher_id": one.voucher,
            "offer_id": offer.id,
            "part": 1,
            "order_reference": f"{one.at:%m%d}-{self._orders[one.shop]:06d}",
            "payment_reference": payment,
            "key_hash": hash_of(f"synthesis:{id}"),
            "body_hash": hash_of(asked),
            "nonce": id.bytes[8:],
            "code_window": codes.window_of(one.at, self._seconds),
            "order_amount_fen": one.order_fen,
            "discount_fen": offer.face_value.fen,
            "refunded_fen": 0,
            "refunded_discount_fen": 0,
            "paid_fen": one.order_fen - offer.face_value.fen,
            "status": str(redemption.Status.COMMITTED),
            "phase": str(redemption.Phase.NONE),
            "occurred_at": one.at,
            "claimed_on": one.claimed_on,
            **_evidence(one.shop, "till"),
        }

    def _lapsed(self, one: Lapsed) -> None:
        offer, batch = self._offers[one.offer], str(new_id())
        self._record(
            one.at,
            SYSTEM,
            Event.EXPIRED,
            ("voucher", batch),
            (Status.CLAIMED, Status.EXPIRED),
            {"ids": [str(id) for id in one.vouchers]},
        )
        self._post(Code.CLAIM_UNDONE, batch, write.undone(offer, len(one.vouchers)), one.at)

    def _post(self, code: Code, key: str, legs: Sequence[Leg], at: datetime) -> None:
        """One transfer; its entries name it by its place until numbers are given."""
        place, instant = len(self._transfers), seals.instant(at)
        self._transfers.append({"id": 0, "code": str(code), "key": key, "occurred_at": at})
        for leg in legs:
            (account, name), fen = self._accounts[leg.account], leg.amount.fen
            form = seals.form(code, key, instant, len(legs), name, fen)
            self._entries.append(
                {
                    "transfer_id": place,
                    "account_id": account,
                    "amount_fen": fen,
                    "occurred_at": at,
                    "seal": self._keyring.seal(form),
                }
            )

    def _record(
        self,
        at: datetime,
        actor: Actor,
        action: str,
        about: tuple[str, str],
        change: tuple[str | None, str],
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        before, after = change
        self._events.append(
            {
                "actor": actor.name,
                "action": str(action),
                "object_type": about[0],
                "object_id": about[1],
                "from_status": before and str(before),
                "to_status": str(after),
                "detail": detail and json.dumps(detail),
                "occurred_at": at,
            }
        )


def _evidence(number: int, whose: str) -> dict[str, str]:
    """Network prefix, device and agent of an invented resident or till."""
    high, low = divmod(number % 62_500, 250)
    return {
        "address_prefix": f"10.{high}.{low}.0/24",
        "device_id": f"synthetic-{whose}-{number:08d}",
        "agent_hash": _AGENTS[number % len(_AGENTS)],
    }
