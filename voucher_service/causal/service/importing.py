"""Keys for those who agreed, and files that come back: whole, or not at all."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta
from typing import BinaryIO, cast

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.identity import service as identity
from voucher_service.infra import areas, outbox, queue
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import InvalidInput, NoSuchThing, NotAllowed
from voucher_service.kernel.ids import OfferId, ResidentId, new_id
from voucher_service.kernel.money import Money

from .. import counting, outcome_reader, store, weeks
from ..model import Design
from ..outcomes import (
    PROVIDER,
    Head,
    Kind,
    OutcomeFile,
    OutcomeFileId,
    OutcomeFileRepeated,
)
from ..tables import OutcomeFileRow

JOB = "estimate"
MAY_IMPORT = Role.FINANCE
FEWEST_SALT_BYTES = 16
_LEAST_THRESHOLD = Money.of_yuan(10)


def keys(
    core: Core, *, actor: Actor, offer: OfferId, provider: str, salt: bytes
) -> list[tuple[str, str]]:
    """A key and a salted hash of the mobile for each entrant who agreed before it was decided.

    The provider finds its own customers by the hash (HMAC-SHA-256 of the 11 digits under its own
    salt, hexadecimal) and answers with the key. Who won is not told. Handing out is on record.
    Raises NotAllowed, NoSuchThing, InvalidInput for a name that no file could have, or a salt that
    is no secret.
    """
    if not re.fullmatch(PROVIDER, provider):
        raise InvalidInput(extra={"errors": {"provider": PROVIDER}})
    if len(salt) < FEWEST_SALT_BYTES:
        raise InvalidInput(extra={"errors": {"salt": f">= {FEWEST_SALT_BYTES} bytes"}})
    with core.transaction() as session:
        store.patient(session)
        _mine(session, actor, offer)
        people = [
            *counting.consented(session, offer, Design.LOTTERY),
            *counting.consented(session, offer, Design.CUTOFF),
        ]
        made = {key_of(core, provider, offer, one): one for one in people}
        store.add_keys(session, offer, provider, made)
        mobiles = identity.mobiles_of(session, keyring=core.keyring, residents=made.values())
        found = [
            (key.hex(), hmac.digest(salt, mobiles[resident].encode(), "sha256").hex())
            for key, resident in sorted(made.items())
            if resident in mobiles
        ]
        audit.record(
            session,
            actor=actor,
            action="outcome_keys.handed_out",
            object_type="offer",
            object_id=str(offer),
            now=core.now(session),
            detail={"provider": provider, "keys": len(found)},
        )
    return found


def key_of(core: Core, provider: str, offer: OfferId, resident: ResidentId) -> bytes:
    """What stands for a resident towards one provider for one offer: 128 bits of a keyed hash."""
    return core.keyring.lookup(f"outcome:{provider}:{offer}", str(resident)).digest[:16]


def import_file(core: Core, *, actor: Actor, stream: BinaryIO) -> OutcomeFile:
    """Import an outcome file in one transaction, and want its estimates.

    Raises NotAllowed, NoSuchThing for an unknown offer, OutcomeFileInvalid, OutcomeFileRepeated;
    then nothing is kept.
    """
    hashed = _Hashed(stream)
    head, lines = outcome_reader.read(cast(BinaryIO, hashed))
    with core.transaction() as session:
        store.patient(session)
        offer = _mine(session, actor, head.offer)
        _covers(head, offer)
        id = OutcomeFileId(new_id())
        now = core.now(session)
        assert actor.id is not None
        row = OutcomeFileRow(
            id=id,
            offer_id=head.offer,
            kind=head.kind,
            provider=head.provider,
            made_on=head.made_on,
            amounts=head.amounts,
            first_day=head.first,
            last_day=head.last,
            lines=head.lines,
            total_fen=head.total,
            sha256="0" * 64,
            imported_by=actor.id,
            imported_at=now,
        )
        store.add_file(session, row)
        store.copy(session, id, lines)
        row.sha256 = hashed.digest.hexdigest()
        if store.known_file(session, row.sha256):
            raise OutcomeFileRepeated
        _judge(session, id, head)
        session.flush()
        audit.record(
            session,
            actor=actor,
            action="outcome_file.imported",
            object_type="outcome_file",
            object_id=str(id),
            now=now,
            detail={"sha256": row.sha256, "lines": head.lines, "kind": str(head.kind)},
        )
        key = want(session, head.offer)
        made = store.files(session, OutcomeFileRow.id == id, limit=1)[0]
    queue.ring(core.settings, key)
    return made


def want(session: Session, offer: OfferId) -> str:
    """Want an offer's estimates; the key of the job."""
    key = f"{JOB}:{offer}"
    outbox.add(session, kind=JOB, key=key, args={"offer": str(offer)})
    return key


def _mine(session: Session, actor: Actor, offer: OfferId) -> Offer:
    if not actor.has(MAY_IMPORT):
        raise NotAllowed
    found = campaigns.offer(session, offer=offer)
    if not areas.within(found.issuing_area, actor.area):
        raise NoSuchThing
    return found


def _covers(head: Head, offer: Offer) -> None:
    """Refuse a file without the weeks that an estimate needs, or about which none can be made."""
    if head.kind is Kind.ORDERS and not _has_threshold(offer):
        raise outcome_reader.refusal((0, outcome_reader.NO_THRESHOLD, ""))
    opens, ends = weeks.valid(offer)
    first = opens if head.kind is Kind.ORDERS else opens - timedelta(weeks=weeks.FEWEST_BEFORE)
    last = ends - timedelta(days=1)
    if head.first > first or head.last < last:
        orders = head.kind is Kind.ORDERS
        text = outcome_reader.COVER_VALID if orders else outcome_reader.COVER
        raise outcome_reader.refusal((0, text, f"{first} – {last}"))


def _has_threshold(offer: Offer) -> bool:
    """Whether orders can bunch at a sum from which on a smaller one is taken off."""
    enough = offer.threshold >= _LEAST_THRESHOLD and offer.threshold > offer.face_value
    return enough and offer.rate_bps is None


def _judge(session: Session, id: OutcomeFileId, head: Head) -> None:
    """What only the whole file shows."""
    most = outcome_reader.MOST_NAMED
    wanted = ((head.last - head.first).days + 1) // 7
    # Of a panel a week without a line is one in which nobody spent; of areas it is missing.
    if head.kind is Kind.AREAS and store.weeks(session, id) < wanted:
        raise outcome_reader.refusal((0, outcome_reader.COVER, f"{head.first} – {head.last}"))
    twice = store.repeated(session, id, most=most)
    if twice:
        raise outcome_reader.refusal(*((number, outcome_reader.TWICE, "") for number in twice))
    strange = store.unknown(session, id, head, most=most)
    text = outcome_reader.UNKNOWN_KEY if head.kind is Kind.PANEL else outcome_reader.UNKNOWN_SHOP
    if strange:
        raise outcome_reader.refusal(*((number, text, "") for number in strange))


class _Hashed:
    """A stream whose bytes are hashed as they are read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def readline(self, most: int = -1) -> bytes:
        """The next line, or its first `most` bytes."""
        line = self._stream.readline(most)
        self.digest.update(line)
        return line
