"""Identity's commands and steps: residents, their sign-in and real name; staff."""

from .codes import request_code, sign_in
from .lookup import births, by_identity, by_mobile, mobile_of
from .residents import (
    block_resident,
    card,
    holds_identity,
    identity_hashes,
    load,
    require_verified,
    resident_actor,
    unblock_resident,
    verify_identity,
)
from .staff import (
    close_staff,
    create_staff,
    enrol_second_factor,
    load_staff,
    staff_actor,
    staff_names,
    staff_sign_in,
)
from .standing import standings
from .upkeep import forget_expired, register_synthetic, rotate_fields

__all__ = [
    "births",
    "block_resident",
    "by_identity",
    "by_mobile",
    "card",
    "close_staff",
    "create_staff",
    "enrol_second_factor",
    "forget_expired",
    "holds_identity",
    "identity_hashes",
    "load",
    "load_staff",
    "mobile_of",
    "register_synthetic",
    "request_code",
    "require_verified",
    "resident_actor",
    "rotate_fields",
    "sign_in",
    "staff_actor",
    "staff_names",
    "staff_sign_in",
    "standings",
    "unblock_resident",
    "verify_identity",
]
