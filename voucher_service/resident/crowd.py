"""The claims of this process, which share their commits, and the light way to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, current_app

from voucher_service.campaigns import service as campaigns
from voucher_service.i18n.formats import iso
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import OfferId
from voucher_service.tradein.service import Claims
from voucher_service.vouchers.model import Voucher
from voucher_service.vouchers.service import Group
from voucher_service.web.express import Call, Created, Lane, LongWay
from voucher_service.web.site import core

from .limiting import not_too_often

_NAME = "claims"
_RULE = "/api/v1/offers/<name>/claims"
_MOST = 1_024


@dataclass(frozen=True, slots=True)
class _Known:
    """What never changes of a published offer; `plain`: a claim needs no turn and no proof."""

    id: OfferId
    plain: bool


_known: dict[str, _Known] = {}


class Crowd:
    """The groups of one process, of vouchers and of qualifications, and the light way to one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.group = Group(core)
        self.qualifications = Claims(core)
        self.lane = Lane(_RULE, self._claim)

    def install(self, app: Flask) -> None:
        """Give the face its group."""
        app.extensions[_NAME] = self

    async def _claim(self, call: Call) -> Created | DomainError:
        """What the route `claims.claim` does, for an offer that this process knows."""
        offer = _known.get(call.name)
        if offer is None or not offer.plain:
            raise LongWay
        refusal = self.group.told_lately(resident=call.subject, offer=offer.id)
        if refusal is not None:
            return refusal
        actor = call.actor()
        not_too_often(self._core, actor)
        answer = await self.group.claim_soon(actor=actor, offer=offer.id, key=call.key)
        if isinstance(answer, DomainError):
            return answer
        now = self._core.clock.at or datetime.now(UTC)
        return Created(_json(answer.value, now), answer.replayed)


def crowd_of(app: Flask) -> Crowd:
    """The crowd that a face was given."""
    found = app.extensions[_NAME]
    assert isinstance(found, Crowd)
    return found


def group() -> Group:
    """The group of the face that answers this request."""
    return crowd_of(current_app).group


def qualifications() -> Claims:
    """The group of qualifications of the face that answers this request."""
    return crowd_of(current_app).qualifications


def offer_id(name: str) -> OfferId:
    """The id of an offer named by its id or its slug. Raises NoSuchThing when there is none."""
    known = _known.get(name)
    if known is None:
        found = campaigns.offer_named(core(), name=name)
        known = _Known(found.id, plain=not (found.waiting_room or found.proof_of_work))
        if len(_known) >= _MOST:
            _known.clear()
        _known[name] = known
    return known.id


def _json(voucher: Voucher, now: datetime) -> bytes:
    """What VoucherSchema makes of a voucher, without its machinery."""
    offer = voucher.offer
    body = {
        "id": str(voucher.id),
        "offer_id": str(offer.id),
        "campaign": offer.campaign_name,
        "title": offer.title,
        "status": str(voucher.shown_status(now)),
        "kind": offer.kind,
        "face_value_fen": voucher.face_value.fen,
        "left_fen": voucher.left.fen,
        "threshold_fen": offer.threshold.fen,
        "claimed_at": iso(voucher.claimed_at),
        "valid_from": iso(voucher.valid_from),
        "valid_until": iso(voucher.valid_until),
        "areas": offer.areas,
        "trades": offer.trades,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
