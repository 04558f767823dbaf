"""Identity's commands and steps: residents, their sign-in and real name; staff."""

from .accounts import (
    end_session,
    end_sessions,
    propose_account,
    propose_closing,
    propose_grant,
    propose_reset,
    staff_account,
    staff_page,
)
from .codes import request_code, sign_in
from .factors import (
    begin_otp,
    change_password,
    confirm_otp,
    pending_otp,
    recovery_codes_left,
    remove_otp,
    renew_recovery_codes,
    show_factor,
)
from .forgetting import forget_resident
from .lookup import (
    births,
    by_identity,
    by_mobile,
    holders,
    mobile_of,
    name_of,
    names_of,
    number_ends_with,
)
from .passkeys import passkeys as passkeys_of
from .passkeys import question as passkey_question
from .passkeys import register as register_passkey
from .passkeys import registration as passkey_registration
from .passkeys import remove as remove_passkey
from .passkeys import rename as rename_passkey
from .reading import (
    judge_reader,
    look_up_holder,
    look_up_identity,
    look_up_mobile,
    reveal,
    seen_by,
)
from .residents import (
    block_resident,
    card,
    holds_identity,
    identity_hashes,
    load,
    require_verified,
    resident_actor,
    sign_out_everywhere,
    unblock_resident,
    verify_identity,
)
from .staff import (
    at_work,
    close_staff,
    create_staff,
    load_staff,
    passkey_sign_in,
    staff_actor,
    staff_called,
    staff_names,
    staff_sign_in,
)
from .standing import standings
from .upkeep import forget_expired, register_synthetic, rotate_fields

__all__ = [
    "at_work",
    "begin_otp",
    "births",
    "block_resident",
    "by_identity",
    "by_mobile",
    "card",
    "change_password",
    "close_staff",
    "confirm_otp",
    "create_staff",
    "end_session",
    "end_sessions",
    "forget_expired",
    "forget_resident",
    "holders",
    "holds_identity",
    "identity_hashes",
    "judge_reader",
    "load",
    "load_staff",
    "look_up_holder",
    "look_up_identity",
    "look_up_mobile",
    "mobile_of",
    "name_of",
    "names_of",
    "number_ends_with",
    "passkey_question",
    "passkey_registration",
    "passkey_sign_in",
    "passkeys_of",
    "pending_otp",
    "propose_account",
    "propose_closing",
    "propose_grant",
    "propose_reset",
    "recovery_codes_left",
    "register_passkey",
    "register_synthetic",
    "remove_otp",
    "remove_passkey",
    "rename_passkey",
    "renew_recovery_codes",
    "request_code",
    "require_verified",
    "resident_actor",
    "reveal",
    "rotate_fields",
    "seen_by",
    "show_factor",
    "sign_in",
    "sign_out_everywhere",
    "staff_account",
    "staff_actor",
    "staff_called",
    "staff_names",
    "staff_page",
    "staff_sign_in",
    "standings",
    "unblock_resident",
    "verify_identity",
]
