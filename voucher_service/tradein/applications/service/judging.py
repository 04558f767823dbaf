"""What the rules and the machine's checks say of an application as it stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.identity import service as identity
from voucher_service.infra.core import core_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import ResidentId

from ...policy import Case
from ...quote import Quote, quote
from ...shelf import shelf
from .. import store
from ..checks import Filing, Finding, check, same_name
from ..model import PARTS, Part, case_of
from ..refusals import OwnApplication
from ..tables import ApplicationRow
from .dossier import typed


@dataclass(frozen=True, slots=True)
class Judged:
    """The case, what it gets under the policies published so far, and what was found in it."""

    case: Case
    quote: Quote
    findings: tuple[Finding, ...]


def judge(session: Session, row: ApplicationRow, now: datetime) -> Judged | None:
    """Judge an application; None while a part is missing, and once it was forgotten. It counts as
    filed when it first was.
    """
    if row.forgotten_at is not None:
        return None
    bought, given_up, card = typed(session, row)
    if bought is None or card is None or (given_up is None and Part.OLD_CAR in PARTS[row.scheme]):
        return None
    case = case_of(row.scheme, bought, given_up)
    said = quote(shelf(), case, known_on=day_of(now))
    filing = Filing(
        scheme=row.scheme,
        bought=bought,
        given_up=given_up,
        card=card,
        name=_name(session, row),
        on=day_of(row.filed_at or now),
        old_subsidised=given_up is not None and store.subsidised(session, given_up.vin, but=row.id),
    )
    return Judged(case, said, check(filing, said))


def refuse_own(session: Session, row: ApplicationRow, actor: Actor) -> None:
    """Keep staff from an application in their own name: residents' and staff's accounts are apart,
    so a namesake also leaves it to a colleague. Raises OwnApplication.
    """
    names: Collection[str] = ()
    if actor.id is not None:
        names = identity.staff_names(session, ids=[actor.id]).values()
    if any(same_name(one, _name(session, row)) for one in names):
        raise OwnApplication


def _name(session: Session, row: ApplicationRow) -> str:
    keyring = core_of(session).keyring
    return identity.name_of(session, keyring=keyring, resident=ResidentId(row.resident_id)) or ""
