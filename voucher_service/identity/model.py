"""Residents and staff as the rest of the house sees them, their lifecycles, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import (
    Conflict,
    Forbidden,
    TooMany,
    Unauthenticated,
    Unprocessable,
)
from voucher_service.kernel.ids import ResidentId, StaffId
from voucher_service.kernel.machine import Machine

STAFF_ROLES = (
    Role.PLANNER,
    Role.APPROVER,
    Role.REVIEWER,
    Role.FINANCE,
    Role.AUDITOR,
    Role.ADMINISTRATOR,
)
PASSWORD_LENGTH = 12


class MobileInvalid(Unprocessable):
    """Not a mobile number of the mainland: 11 digits from 13 to 19."""

    code = "mobile_invalid"


class TooManyRequests(TooMany):
    """Asked too often; `retry_after_seconds` says when to try again."""

    code = "too_many_requests"


class SignInRefused(Unauthenticated):
    """The login and the secret don't belong together. Says nothing about which of them is wrong."""

    code = "sign_in_refused"


class IdNumberInvalid(Unprocessable):
    """The number of the document is mistyped: wrong form, check character or date."""

    code = "id_number_invalid"


class NameInvalid(Unprocessable):
    """The name holds characters that names don't have, or is too short or too long."""

    code = "name_invalid"


class ConsentRequired(Unprocessable):
    """Nothing is verified before the resident agreed to a version of the terms."""

    code = "consent_required"


class IdentityMismatch(Unprocessable):
    """The verification service says that the name and the number don't belong together."""

    code = "identity_mismatch"


class IdentityTaken(Conflict):
    """Another account already has this identity: one identity, one account."""

    code = "identity_taken"


class AlreadyVerified(Conflict):
    """This account already has another identity."""

    code = "already_verified"


class IdentityRequired(Forbidden):
    """Only for residents whose real name was verified."""

    code = "identity_required"


class ResidentBlocked(Forbidden):
    """The account is blocked."""

    code = "resident_blocked"


class UsernameInvalid(Unprocessable):
    """A username is 3 to 32 small letters, digits, dots, hyphens or underscores."""

    code = "username_invalid"


class UsernameTaken(Conflict):
    """Somebody already signs in with this username."""

    code = "username_taken"


class PasswordTooShort(Unprocessable):
    """A password has at least `length` characters."""

    code = "password_too_short"


class RolesIncompatible(Unprocessable):
    """These roles never go to one person: proposing, checking, paying, auditing, giving roles."""

    code = "roles_incompatible"


class SecondFactorRequired(Forbidden):
    """In production staff do nothing before they enrolled a second factor."""

    code = "second_factor_required"


class PasswordChangeRequired(Forbidden):
    """The password was chosen by somebody else; its owner chooses another first."""

    code = "password_change_required"


class FreshFactorRequired(Forbidden):
    """The second factor was shown too long ago for this act."""

    code = "fresh_factor_required"


class FactorRefused(Unprocessable):
    """The code or the passkey is not this person's, was used before, or came too late."""

    code = "factor_refused"


class PasswordUnchanged(FactorRefused):
    """The present password was not given rightly, or the new one is the same."""

    code = "password_unchanged"


class PasskeysUnavailable(Conflict):
    """Passkeys belong to a web address, and this installation was not told its own."""

    code = "passkeys_unavailable"


class ResidentStatus(StrEnum):
    """Whether a resident may claim and spend."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    FORGOTTEN = "forgotten"


class ResidentEvent(StrEnum):
    """What happens to a resident's account."""

    BLOCK = "resident.blocked"
    UNBLOCK = "resident.unblocked"
    FORGET = "resident.forgotten"


class StaffStatus(StrEnum):
    """Whether a member of staff may sign in."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    CLOSED = "closed"


class StaffEvent(StrEnum):
    """What happens to a staff account."""

    APPROVE = "staff.approved"
    REFUSE = "staff.refused"
    CLOSE = "staff.closed"


RESIDENT: Machine[ResidentStatus, ResidentEvent] = Machine(
    "resident",
    ResidentStatus.ACTIVE,
    {
        ResidentStatus.ACTIVE: {
            ResidentEvent.BLOCK: ResidentStatus.BLOCKED,
            ResidentEvent.FORGET: ResidentStatus.FORGOTTEN,
        },
        ResidentStatus.BLOCKED: {ResidentEvent.UNBLOCK: ResidentStatus.ACTIVE},
        ResidentStatus.FORGOTTEN: {},
    },
)
STAFF: Machine[StaffStatus, StaffEvent] = Machine(
    "staff",
    StaffStatus.PROPOSED,
    {
        StaffStatus.PROPOSED: {
            StaffEvent.APPROVE: StaffStatus.ACTIVE,
            StaffEvent.REFUSE: StaffStatus.CLOSED,
        },
        StaffStatus.ACTIVE: {StaffEvent.CLOSE: StaffStatus.CLOSED},
        StaffStatus.CLOSED: {},
    },
)
RESIDENT_PUBLIC: Mapping[ResidentStatus, str] = {
    ResidentStatus.ACTIVE: "正常",
    ResidentStatus.BLOCKED: "已停用",
    ResidentStatus.FORGOTTEN: "已注销",
}
RESIDENT_OWNER: Mapping[ResidentStatus, frozenset[Role]] = {
    ResidentStatus.ACTIVE: frozenset({Role.REVIEWER}),
    ResidentStatus.BLOCKED: frozenset({Role.REVIEWER}),
    ResidentStatus.FORGOTTEN: frozenset(),
}
STAFF_PUBLIC: Mapping[StaffStatus, str] = {
    StaffStatus.PROPOSED: "等待批准",
    StaffStatus.ACTIVE: "正常",
    StaffStatus.CLOSED: "已注销",
}
# Who proposes the next step; an approver decides.
STAFF_OWNER: Mapping[StaffStatus, frozenset[Role]] = {
    StaffStatus.PROPOSED: frozenset({Role.ADMINISTRATOR}),
    StaffStatus.ACTIVE: frozenset({Role.ADMINISTRATOR}),
    StaffStatus.CLOSED: frozenset(),
}


class Honorific(StrEnum):
    """How a resident is addressed, where the document tells."""

    MS = "ms"
    MR = "mr"


@dataclass(frozen=True, slots=True)
class Resident:
    """A resident without personal data in clear; `display_name` is masked: 林*, "" until verified.

    `area` is the division the id number was issued in, None where the document doesn't tell.
    """

    id: ResidentId
    verified: bool
    display_name: str
    honorific: Honorific | None
    area: str | None
    status: ResidentStatus

    @property
    def surname(self) -> str:
        """The part of the name that is shown: 林."""
        return self.display_name.removesuffix("*")

    @property
    def active(self) -> bool:
        """Whether the account isn't blocked."""
        return self.status is ResidentStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """What a resident sees of their own data: mobile 138****1234, the number's last four."""

    mobile: str
    name: str | None
    id_last4: str | None
    document: str | None
    consent_version: str | None


class Factor(StrEnum):
    """What a member of staff shows besides the password, or instead of it."""

    OTP = "otp"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff. `area` limits them to a division; "" is the whole city."""

    id: StaffId
    username: str
    display_name: str
    roles: frozenset[Role]
    area: str
    status: StaffStatus
    factors: frozenset[Factor] = frozenset()
    signed_in_at: datetime | None = None
    temporary_password: bool = False


@dataclass(frozen=True, slots=True)
class SyntheticPerson:
    """An invented resident for demonstrations, replays and load tests."""

    mobile: str
    name: str
    id_number: str
