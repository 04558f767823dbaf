"""Play a field of trade-in: every claim and sale, or every application, through the real services.

State decides what is still to do, and keys follow from the plan, so that a resumed run repeats
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, OtherDiscount, Payer
from voucher_service.tradein import service as tradein
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.applications.model import Application, ApplicationStatus
from voucher_service.tradein.applications.service.reviewing import APPROVE
from voucher_service.tradein.qualifications import Qualification
from voucher_service.vouchers import code as codes

from . import units
from .again import ReplayFailed, again
from .cases import Case
from .fields import Field
from .plan import Plan
from .publish import sign
from .stage import Stage
from .subsidies import FieldTargets


class Act(IntEnum):
    """What happens in a case, in this order."""

    BEGIN = 0
    CHECK = 1
    END = 2


@dataclass
class FieldPlayer:
    """Who plays one field, on a clock that only this process has."""

    core: Core
    clock: Clock
    plan: Plan
    stage: Stage
    names: Sequence[str]
    held: dict[int, Qualification] = field(default_factory=dict)

    def play(self, targets: FieldTargets, done: Callable[[], None]) -> None:
        """Every case of a field in the order of time; `done` is told of each that ended.

        Raises ReplayFailed.
        """
        for act, case in _steps(targets, self.plan.cases(targets)):
            try:
                self._act(targets.field, act, case)
            except DomainError as error:
                name = f"{targets.field.slug}, case {case.number}"
                raise ReplayFailed(f"{name}: {error.code} {error.extra}") from error
            if act is Act.END:
                done()

    def _act(self, field: Field, act: Act, case: Case) -> None:
        if field.at_the_till:
            self._at(case.begins if act is Act.BEGIN else case.ends)
            if act is Act.BEGIN:
                self.held[case.number] = again(lambda: self._claim(field, case))
            else:
                qualification = self.held.pop(case.number)
                again(lambda: self._sell(field, case, qualification))
            return
        self._at({Act.BEGIN: case.begins, Act.CHECK: case.checked, Act.END: case.ends}[act])
        again(lambda: self._apply(field, act, case))

    def _at(self, instant: datetime) -> None:
        self.clock.set(instant)

    def _claim(self, field: Field, case: Case) -> Qualification:
        return tradein.claim(
            self.core,
            actor=self._resident(case),
            category=field.goods[case.goods].category,
            key=f"replay:{field.slug}:{case.number}",
        ).value

    def _sell(self, field: Field, case: Case, qualification: Qualification) -> None:
        assert case.shop is not None, "it is sold somewhere"
        seconds = self.core.settings.till.code_window_seconds
        code = codes.make(
            self.core.keyring,
            code_ref=qualification.code_ref,
            window=codes.window_of(case.ends, seconds),
            window_seconds=seconds,
        )
        reference = f"{field.slug}-{case.number}"
        bank = (OtherDiscount(Payer.BANK, Money(case.bank_fen)),) if case.bank_fen else ()
        redemption.redeem(
            self.core,
            actor=Actor(
                ActorKind.CASHIER, self.stage.cashiers[case.shop], frozenset({Role.CASHIER})
            ),
            code=code.text,
            order=Order(
                Money(case.price_fen),
                reference,
                f"replay-{reference}",
                items=(units.item(field, case),),
                discounts=bank,
                list_price=Money(case.list_price_fen),
            ),
            key=f"replay:{reference}",
        )

    def _apply(self, field: Field, act: Act, case: Case) -> None:
        """Do what the application still wants at this point."""
        actor = self._resident(case)
        found = self._application(field, actor)
        if act is Act.BEGIN and (found is None or found.status is ApplicationStatus.DRAFT):
            name = self.names[case.resident]
            made = applications.fill_in(
                self.core,
                actor=actor,
                scheme=field.policy.scheme,
                car=units.bought(field, case, name),
                old_car=units.given_up(field, case, name),
                card=units.card(case, name),
                papers=units.papers(field, case),
            )
            try:
                applications.submit(self.core, actor=actor, application=made.id)
            except IllegalTransition:
                # On the servers' clock the draft is years old, and a worker took it back just now.
                self._apply(field, act, case)
        elif act is Act.CHECK and found and found.status is ApplicationStatus.SUBMITTED:
            applications.precheck(self.core, actor=self.stage.reviewer, application=found.id)
        elif act is Act.END and found:
            sign(
                self.core,
                about=found.id,
                action=APPROVE,
                actor=self.stage.reviewer,
                approvers=self.stage.approvers,
            )

    def _application(self, field: Field, actor: Actor) -> Application | None:
        mine = applications.mine(self.core, actor=actor, cursor=None, limit=10).items
        scheme, withdrawn = field.policy.scheme, ApplicationStatus.WITHDRAWN
        live = (one for one in mine if one.scheme is scheme and one.status is not withdrawn)
        return next(live, None)

    def _resident(self, case: Case) -> Actor:
        return Actor(ActorKind.RESIDENT, self.stage.residents[case.resident])


def _steps(targets: FieldTargets, cases: Sequence[Case]) -> Iterator[tuple[Act, Case]]:
    acts = {Act.BEGIN: "begins", Act.CHECK: "checked", Act.END: "ends"}
    if targets.field.at_the_till:
        del acts[Act.CHECK]
    every = [(getattr(case, at), case.number, act) for case in cases for act, at in acts.items()]
    for _, number, act in sorted(every):
        yield act, cases[number]
