"""What can be found, and how much it weighs. Pure.

A weight is 0 to 100: how sure one would be, from this alone, that something is wrong. Findings are
evidence for people; nothing is refused by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType
from uuid import UUID

Weight = NewType("Weight", int)
MOST = Weight(100)


class Kind(StrEnum):
    """What was found; docs/risk.md says why it weighs what it weighs."""

    SAME_SERIAL = "same_serial"
    NEAR_SERIAL = "near_serial"
    SAME_DEVICE = "same_device"
    ACTIVATED_BEFORE = "activated_before"
    PRICE_SPLIT = "price_split"
    INVOICE_RUN = "invoice_run"
    BELOW_CEILING = "below_ceiling"
    PRICE_RAISED = "price_raised"
    RAISED_THEN_CUT = "raised_then_cut"
    SAME_PHOTO = "same_photo"
    LIKE_PHOTO = "like_photo"
    OLD_PHOTO = "old_photo"
    FAR_PHOTO = "far_photo"
    SHARED_LINK = "shared_link"
    CIRCULAR = "circular"
    OWN_PEOPLE = "own_people"
    NIGHT_BURST = "night_burst"
    BEYOND_HOUSEHOLD = "beyond_household"
    SAME_VEHICLE = "same_vehicle"
    VEHICLE_ALIKE = "vehicle_alike"
    VEHICLE_INELIGIBLE = "vehicle_ineligible"
    VEHICLE_UNLIKE_MODEL = "vehicle_unlike_model"
    LARGE_PLATE = "large_plate"


# What a newcomer can make true of those that were there before it: they are judged again, once it
# weighs enough to be worth it.
WORTH_TURNING_BACK = Weight(30)
MUTUAL = frozenset({Kind.PRICE_SPLIT, Kind.INVOICE_RUN, Kind.SHARED_LINK, Kind.CIRCULAR})


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `others` are the subjects it compares with, the nearest first.

    `told` is what its sentence says: numbers and words, sums in fen under names that end in `_fen`.
    """

    kind: Kind
    weight: Weight
    others: tuple[UUID, ...] = ()
    told: Mapping[str, str | int] = field(default_factory=dict)
