"""An application as it is stored: what is typed into it, and how its readers see it, masked."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.identity import documents
from voucher_service.infra import files
from voucher_service.infra.core import core_of
from voucher_service.infra.files import Facts
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.money import Money

from ... import identifiers
from ...policy import Energy
from .. import store
from ..deadlines import due_on
from ..model import (
    Application,
    ApplicationId,
    ApplicationStatus,
    Bought,
    Card,
    EvidenceKind,
    GivenUp,
    Vehicle,
)
from ..tables import ApplicationRow
from .moving import periods

NEW_CAR, OLD_CAR, CARD = "new_car", "old_car", "card"
BUYER, NEW_PLATE, OWNER, OLD_PLATE = "buyer", "new_plate", "owner", "old_plate"
HOLDER, NUMBER = "holder", "number"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of an application: a stored file, and what its camera noted."""

    kind: EvidenceKind
    file: UUID
    facts: Facts


def found(row: T | None) -> T:
    """The row. Raises NoSuchThing when there is none."""
    if row is None:
        raise NoSuchThing
    return row


def view(session: Session, row: ApplicationRow) -> Application:
    """An application; of personal data only what lists show."""
    return views(session, [row])[0]


def views(session: Session, rows: Sequence[ApplicationRow]) -> list[Application]:
    """Applications; of personal data only what lists show."""
    handed_in = store.evidence(session, [row.id for row in rows])
    every = [file for mine in handed_in.values() for file in mine.values()]
    drawn = files.pictures(session, files=every)
    return [
        _view(session, row, {} if row.forgotten_at else handed_in[row.id], drawn) for row in rows
    ]


def papers(
    session: Session, *, applications: Collection[ApplicationId]
) -> dict[ApplicationId, list[Paper]]:
    """The papers of applications, with what their cameras noted; those of forgotten ones too."""
    handed_in = store.evidence(session, list(applications))
    every = [file for mine in handed_in.values() for file in mine.values()]
    facts = files.facts(session, files=every)
    return {
        one: [Paper(kind, file, facts[file]) for kind, file in sorted(handed_in[one].items())]
        for one in applications
    }


def _view(
    session: Session, row: ApplicationRow, papers: Mapping[Any, Any], drawn: set[Any]
) -> Application:
    bought, given_up, card = typed(session, row)
    return Application(
        id=ApplicationId(row.id),
        resident_id=ResidentId(row.resident_id),
        scheme=row.scheme,
        status=row.status,
        area=row.area,
        bought=bought
        and replace(bought, buyer=documents.masked(bought.buyer), plate=_plate(bought.plate)),
        given_up=given_up
        and replace(given_up, owner=documents.masked(given_up.owner), plate=_plate(given_up.plate)),
        card=card
        and replace(card, holder=documents.masked(card.holder), number=f"…{card.number[-4:]}"),
        evidence=papers,
        pictures=frozenset(kind for kind, file in papers.items() if file in drawn),
        began_at=row.occurred_at,
        corrections=row.corrections,
        reason=row.reason,
        policy_id=row.policy_id,
        subsidy=row.subsidy_fen,
        filed_at=row.filed_at,
        submitted_at=row.submitted_at,
        prechecked_at=row.prechecked_at,
        prechecked_by=row.prechecked_by,
        decided_at=row.decided_at,
        correct_until=row.correct_until if row.status is ApplicationStatus.SENT_BACK else None,
        due_on=due_on(
            row.status,
            submitted_at=row.submitted_at,
            decided_at=row.decided_at,
            periods=periods(session),
        ),
        paid_at=row.paid_at,
        forgotten=row.forgotten_at is not None,
    )


def typed(
    session: Session, row: ApplicationRow
) -> tuple[Bought | None, GivenUp | None, Card | None]:
    """What was typed, in clear; of one that was forgotten, names and numbers are empty."""
    person = defaultdict(str, store.person(core_of(session).keyring, row))
    new, old, card = (row.content.get(part) for part in (NEW_CAR, OLD_CAR, CARD))
    return (
        None if new is None else _bought(new, person),
        None if old is None else _given_up(old, person),
        None if card is None else Card(person[HOLDER], person[NUMBER], card["bank"]),
    )


def bought_as_json(car: Bought) -> tuple[dict[str, Any], dict[str, str]]:
    """The new car as it is stored, personal data apart."""
    told = {
        "vin": car.vin,
        "energy": str(car.energy),
        "vehicle": str(car.vehicle),
        "seats": car.seats,
        "invoice": car.invoice,
        "area": car.area,
        "price_fen": car.price.fen,
        "tax_fen": car.tax.fen,
        "invoiced_on": car.invoiced_on.isoformat(),
        "registered_on": car.registered_on.isoformat(),
        "engine_ml": car.engine_ml,
        "listed": car.listed,
    }
    return told, {BUYER: car.buyer, NEW_PLATE: car.plate}


def given_up_as_json(car: GivenUp) -> tuple[dict[str, Any], dict[str, str]]:
    """The old car as it is stored, personal data apart."""
    days = ("registered_on", "owned_since", "parted_on", "closed_on")
    told = {day: getattr(car, day).isoformat() for day in days}
    told |= {"vin": car.vin, "energy": str(car.energy), "paper": car.paper}
    return told, {OWNER: car.owner, OLD_PLATE: car.plate}


def card_as_json(card: Card) -> tuple[dict[str, Any], dict[str, str]]:
    """The card as it is stored, personal data apart. Raises CardInvalid, NameInvalid."""
    told = {HOLDER: documents.name(card.holder), NUMBER: identifiers.card(card.number).number}
    return {"bank": card.bank.strip()}, told


def keep(
    session: Session,
    row: ApplicationRow,
    part: str,
    told: Mapping[str, Any],
    person: Mapping[str, str],
) -> None:
    """Keep a part of a locked application, its personal data encrypted."""
    keyring = core_of(session).keyring
    row.content = {**row.content, part: dict(told)}
    known = store.person(keyring, row)
    row.person_cipher = store.encrypt_person(keyring, row.id, {**known, **person})
    session.flush()


def fingerprint(session: Session, row: ApplicationRow) -> str:
    """What was handed in, personal data and files included, as one hash in hex."""
    papers = store.evidence(session, [row.id])[row.id]
    told = {
        "content": row.content,
        "person": store.person(core_of(session).keyring, row),
        "evidence": {str(kind): str(file) for kind, file in papers.items()},
        "files": files.fingerprints(session, files=papers.values()),
    }
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _bought(told: Mapping[str, Any], person: Mapping[str, str]) -> Bought:
    return Bought(
        vin=told["vin"],
        plate=person[NEW_PLATE],
        energy=Energy(told["energy"]),
        vehicle=Vehicle(told["vehicle"]),
        seats=told["seats"],
        invoice=told["invoice"],
        area=told["area"],
        buyer=person[BUYER],
        price=Money(told["price_fen"]),
        tax=Money(told["tax_fen"]),
        invoiced_on=date.fromisoformat(told["invoiced_on"]),
        registered_on=date.fromisoformat(told["registered_on"]),
        engine_ml=told["engine_ml"],
        listed=told["listed"],
    )


def _given_up(told: Mapping[str, Any], person: Mapping[str, str]) -> GivenUp:
    days = ("registered_on", "owned_since", "parted_on", "closed_on")
    return GivenUp(
        vin=told["vin"],
        plate=person[OLD_PLATE],
        energy=Energy(told["energy"]),
        owner=person[OWNER],
        paper=told["paper"],
        **{day: date.fromisoformat(told[day]) for day in days},
    )


def _plate(number: str) -> str:
    """A plate as lists show it: 粤Q···45."""
    return f"{number[:2]}···{number[-2:]}"
