"""Tills of merchants' own systems and their keys, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NewType
from uuid import UUID

from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import CashierId, ShopId

TAG = "voucher-pos"
"""What a till's signatures are for; one made for anything else counts nothing here."""

TillKeyId = NewType("TillKeyId", UUID)


class PublicKeyInvalid(Unprocessable):
    """Not an Ed25519 public key as PEM, JWK or base64 of its 32 bytes."""

    code = "public_key_invalid"


class PrivateKeySent(Unprocessable):
    """A private key was sent where the public one belongs; it is kept nowhere."""

    code = "private_key_sent"


class PublicKeyTaken(Conflict):
    """This key belongs to a till already; each key is one till's."""

    code = "public_key_taken"


class TillKeyLimit(Conflict):
    """The till has as many active keys as a rotation needs."""

    code = "till_key_limit"


@dataclass(frozen=True, slots=True)
class TillKey:
    """A public key of a till. `fingerprint` is the start of its SHA-256, for people to compare."""

    id: TillKeyId
    cashier_id: CashierId
    shop_id: ShopId
    name: str
    fingerprint: str
    occurred_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def active(self) -> bool:
        """Whether requests that it signs count."""
        return self.revoked_at is None


@dataclass(frozen=True, slots=True)
class OwnTill:
    """A till of the merchant's own system: a cashier who is a machine, and its keys."""

    cashier_id: CashierId
    name: str
    keys: tuple[TillKey, ...]

    @property
    def active(self) -> bool:
        """Whether it has a key that counts."""
        return any(key.active for key in self.keys)


def by_till(keys: list[TillKey]) -> list[OwnTill]:
    """Keys, sorted by name and till, as tills."""
    groups = groupby(keys, key=lambda key: (key.cashier_id, key.name))
    return [OwnTill(cashier, name, tuple(own)) for (cashier, name), own in groups]
