"""What a resident has."""

from __future__ import annotations

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.page import Page, decode_moment, encode_cursor

from .. import store
from ..policy import Category
from ..qualifications import NoPool, Pool, Qualification, QualificationId
from ..tables import QualificationRow
from .claiming import resident_of
from .pools import pool_of


def open_pool(core: Core, *, category: Category) -> Pool | None:
    """The pool that a category can be claimed from now or later, if there is one."""
    with core.transaction() as session:
        try:
            return pool_of(session, category=category, now=core.now(session))
        except NoPool:
            return None


def mine(core: Core, *, actor: Actor, cursor: str | None, limit: int) -> Page[Qualification]:
    """The resident's own qualifications, newest claim first. Raises CursorInvalid."""
    after = decode_moment(cursor)
    with core.transaction() as session:
        found = store.qualifications(
            session, store.of_resident(resident_of(actor), after), limit=limit + 1
        )
    items = found[:limit]
    if len(found) <= limit:
        return Page(items)
    return Page(items, encode_cursor(items[-1].claimed_at.isoformat(), items[-1].id))


def get(core: Core, *, actor: Actor, qualification: QualificationId) -> Qualification:
    """One of the resident's own. Raises NoSuchThing, for another's too."""
    with core.transaction() as session:
        found = store.qualifications(
            session,
            QualificationRow.id == qualification,
            QualificationRow.resident_id == resident_of(actor),
        )
    if not found:
        raise NoSuchThing
    return found[0]
