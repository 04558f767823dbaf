"""An application is handed in, or taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome, once
from voucher_service.kernel.actor import Actor

from .. import recording, store
from ..messages import Message
from ..model import Application, ApplicationEvent, ApplicationId
from ..refusals import (
    ApplicationIncomplete,
    ApplicationIneligible,
    CorrectionLate,
    UnitsTaken,
    VehicleTaken,
)
from ..tables import UNIQUE, ApplicationRow
from . import placing
from .dossier import NEW_CAR, OLD_CAR, found, view
from .filing import applicant, editable, own
from .judging import Judged, judge
from .moving import move
from .telling import tell


def preview(core: Core, *, actor: Actor, application: ApplicationId) -> Judged | None:
    """What the rules say of the caller's application so far; None while a part is missing.

    Raises NoSuchThing.
    """
    with core.transaction() as session:
        return judge(session, own(session, actor, application), core.now(session))


def submit(
    core: Core, *, actor: Actor, application: ApplicationId, key: str | None = None
) -> Outcome[Application]:
    """Hand it in, for the first time or corrected. From now on no other application can hold these
    cars, this invoice and this certificate, and the money that was decided stands behind it. The
    same key again hands nothing in.

    Raises ApplicationIncomplete, ApplicationIneligible, VehicleTaken, UnitsTaken, NoPool, PoolFull,
    NotOpenYet, PoolShort, CorrectionLate, NoSuchThing, IdentityRequired, ResidentBlocked,
    IllegalTransition, KeyReused, InProgress. Refused, it stays as it was.
    """
    resident = applicant(actor)
    with core.transaction() as session:
        body = {"application": application, "verb": "submit"}
        scope = f"{actor.name}:application"
        again = once(session, scope=scope, key=key, body=body, result=application)
        if again is not None:
            return Outcome(view(session, own(session, actor, application)), replayed=True)
        identity.require_verified(session, resident=resident)
        store.queue_up(session, resident)
        row, now = editable(session, actor, application), core.now(session)
        if row.correct_until is not None and row.correct_until <= now:
            raise CorrectionLate
        missing, judged = view(session, row).missing, judge(session, row, now)
        if missing or judged is None:
            raise ApplicationIncomplete(extra={"missing": list(missing)})
        against = [str(one.what) for one in judged.findings if one.against]
        if against:
            reasons = [str(one) for one in judged.quote.reasons]
            raise ApplicationIneligible(extra={"findings": against, "reasons": reasons})
        _check_units(session, row, judged)
        filed, before = {"filed_at": row.filed_at or now, "submitted_at": now}, row.subsidy_fen
        _hand_in(session, row, actor, now, {**_holds(row), **decided(judged), **filed})
        session.refresh(row)
        # After the cars are held: who waits for another's car does not hold a pool up.
        placing.hold(session, row, before=before, now=now)
        tell(session, application=row.id, message=Message.SUBMITTED)
        return Outcome(view(session, row))


def withdraw(core: Core, *, actor: Actor, application: ApplicationId) -> Application:
    """Take it back: its cars, its place and its money are free for another.

    Raises NoSuchThing, IllegalTransition.
    """
    with core.transaction() as session:
        row, now = own(session, actor, application, lock=True), core.now(session)
        move(session, row, ApplicationEvent.WITHDRAWN, actor, now, {"decided_at": now})
        placing.give_back(session, row, now)
        return view(session, found(store.application(session, application, lock=True)))


def decided(judged: Judged) -> dict[str, Any]:
    """The columns that hold a decision, with all that it takes to make it again."""
    policy = judged.quote.policy
    assert policy is not None  # nothing is against it
    return {
        "policy_id": policy.id,
        "subsidy_fen": judged.quote.subsidy,
        "decision": recording.as_json(judged.case, judged.quote),
        "bought_on": judged.case.on,
    }


def _holds(row: ApplicationRow) -> dict[str, Any]:
    new, old = row.content[NEW_CAR], row.content.get(OLD_CAR, {})
    return {
        "area": new["area"],
        "new_vin": new["vin"],
        "old_vin": old.get("vin"),
        "invoice": new["invoice"],
        "paper": old.get("paper"),
        "corrections": {},
        "reason": "",
        "decided_at": None,
        "correct_until": None,
    }


def _check_units(session: Session, row: ApplicationRow, judged: Judged) -> None:
    case, policy = judged.case, judged.quote.policy
    assert policy is not None  # nothing is against it
    units, schemes = policy.units_of(case.category), {row.scheme, *policy.counts_with}
    if store.held(session, row.resident_id, schemes, case.on.year, but=row.id) >= units:
        raise UnitsTaken(units=units, year=str(case.on.year))


def _hand_in(
    session: Session, row: ApplicationRow, actor: Actor, now: Any, values: Mapping[str, Any]
) -> None:
    """Raises VehicleTaken when another application holds one of its numbers."""
    try:
        with session.begin_nested():
            detail = {"policy": values["policy_id"], "subsidy_fen": values["subsidy_fen"].fen}
            move(session, row, ApplicationEvent.SUBMITTED, actor, now, values, detail=detail)
    except IntegrityError as error:
        what = next((one for one in UNIQUE if f"uq_application_{one}" in str(error.orig)), None)
        if what is None:
            raise
        raise VehicleTaken(extra={"what": what}) from error
