"""Paper vouchers, for those without a phone: the newest print counts, older ones are void."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.identity import service as identity
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ResidentId, VoucherId

from .. import paper, store
from ..model import PaperNotOffered, Status, Voucher
from ..tables import VoucherRow


@dataclass(frozen=True, slots=True)
class Print:
    """A voucher on paper: the text of its QR, and which print it is."""

    voucher: Voucher
    text: str
    serial: int


def newest_print(core: Core, *, actor: Actor, voucher: VoucherId) -> Print | None:
    """The print of the resident's own voucher that counts; None when there is none.

    Raises NoSuchThing, AlreadyRedeemed, VoucherExpired, VoucherNotUsable, PaperNotOffered.
    """
    with core.transaction() as session:
        found = _printable(core, session, voucher, _own(actor))
        serial = store.newest_print(session, code_ref=found.code_ref)
    return None if serial is None else _made(core, found, serial)


def print_voucher(core: Core, *, actor: Actor, voucher: VoucherId) -> Print:
    """Print the resident's own voucher; what was printed before is void. Raises the same."""
    with core.transaction() as session:
        return _print(core, session, actor, _printable(core, session, voucher, _own(actor)))


def printable(core: Core, *, actor: Actor, resident: ResidentId) -> list[Voucher]:
    """What staff at a window may print for a resident of their area, newest claim first.

    The caller puts the look at the resident on record. Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        _require_window(session, actor, resident)
        now = core.now(session)
        found = store.vouchers(
            session, VoucherRow.resident_id == resident, VoucherRow.status == Status.CLAIMED
        )
    return [one for one in found if one.offer.paper and now < one.valid_until]


def print_for(core: Core, *, actor: Actor, resident: ResidentId, voucher: VoucherId) -> Print:
    """Print a resident's voucher for them at a window. Raises NotAllowed besides."""
    with core.transaction() as session:
        _require_window(session, actor, resident)
        return _print(core, session, actor, _printable(core, session, voucher, resident))


def _print(core: Core, session: Session, actor: Actor, voucher: Voucher) -> Print:
    now = core.now(session)
    serial = store.add_print(session, voucher=voucher.id, now=now)
    audit.record(
        session,
        actor=actor,
        action="voucher.printed",
        object_type="voucher",
        object_id=str(voucher.id),
        now=now,
        detail={"print": serial},
    )
    return _made(core, voucher, serial)


def _printable(core: Core, session: Session, voucher: VoucherId, holder: ResidentId) -> Voucher:
    found = store.vouchers(session, VoucherRow.id == voucher, VoucherRow.resident_id == holder)
    if not found:
        raise NoSuchThing
    found[0].check_usable(core.now(session))
    if not found[0].offer.paper:
        raise PaperNotOffered
    return found[0]


def _made(core: Core, voucher: Voucher, serial: int) -> Print:
    text = paper.make(core.keyring, code_ref=voucher.code_ref, serial=serial)
    return Print(voucher, text, serial)


def _own(actor: Actor) -> ResidentId:
    assert actor.kind is ActorKind.RESIDENT and actor.id is not None
    return ResidentId(actor.id)


def _require_window(session: Session, actor: Actor, resident: ResidentId) -> None:
    if not actor.has(Role.REVIEWER):
        raise NotAllowed
    if not areas.within(identity.load(session, resident=resident).area or "", actor.area):
        raise NoSuchThing
