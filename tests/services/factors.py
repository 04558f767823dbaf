"""What tests of second factors share: an authenticator in software, and enrolled people."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from tests.services.signing_in import PASSWORD, a_staff, later
from voucher_service.identity import second_factor
from voucher_service.identity import service as identity
from voucher_service.identity.model import SignInRefused
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.ids import StaffId


@dataclass
class Person:
    """A planner with a phone."""

    city: Core
    login: str
    id: StaffId
    secret: str = ""
    codes: tuple[str, ...] = ()

    @property
    def actor(self) -> Actor:
        """The person as an actor."""
        return Actor(ActorKind.STAFF, self.id, frozenset({Role.PLANNER}), "441702")

    def code(self) -> str:
        """What the phone shows; the clock moves on, since each code counts once."""
        later(self.city, seconds=second_factor.STEP_SECONDS)
        assert self.city.clock.at is not None
        step = second_factor.step_at(self.city.clock.at)
        return second_factor.code_at(base64.b32decode(self.secret), step)

    def enrol(self) -> None:
        """Scan the code and type what the phone shows."""
        self.secret = identity.begin_otp(self.city, actor=self.actor)
        self.codes = identity.confirm_otp(self.city, actor=self.actor, code=self.code())

    def signs_in(self, otp: str | None = None, password: str = PASSWORD) -> bool:
        """Whether the door opens."""
        try:
            identity.staff_sign_in(self.city, username=self.login, password=password, otp=otp)
        except SignInRefused:
            return False
        return True


def a_person(city: Core, **changes: object) -> Person:
    """A new planner of 江城区."""
    login, id = a_staff(city, **changes)
    return Person(city, login, id)
