"""Who is at the desk: the account of a caller, names of colleagues, and what waits for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import quote, urlencode
from uuid import UUID

from flask import g

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Approval, Status
from voucher_service.identity import service as identity
from voucher_service.identity.desk import AtWork
from voucher_service.identity.model import Staff
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import StaffId
from voucher_service.kernel.page import MOST
from voucher_service.web.auth import actor
from voucher_service.web.site import Claims, core

_ISSUER = "消费券管理台"


def of(caller: Actor) -> Staff:
    """The account a request acts for. Raises NoSuchThing."""
    assert caller.id is not None
    with core().transaction() as session:
        return identity.load_staff(session, staff=StaffId(caller.id))


def at_work(core: Core, claims: Claims) -> Actor | None:
    """Who a request acts as; None when the session was ended or the account closed."""
    found = identity.at_work(core, subject=claims.subject, session=claims.session)
    if found is None:
        return None
    g.at_work = found
    return found.actor


def work() -> AtWork:
    """The session of a request that acts for somebody, and what it has shown."""
    found: AtWork = g.at_work
    return found


def needs_factor() -> bool:
    """Whether the reader has a second factor and showed it too long ago for acts that spend."""
    return not work().fresh(core().settings.desk.fresh_factor_seconds)


def uri(secret: str) -> str:
    """What an authenticator reads from a QR code (Key URI format)."""
    label = quote(f"{_ISSUER}:{me().username}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': _ISSUER})}"


def me() -> Staff:
    """The reader's own account, asked for once a request."""
    if "staff" not in g:
        g.staff = of(actor())
    found: Staff = g.staff
    return found


def names(ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Display names of colleagues."""
    with core().transaction() as session:
        return identity.staff_names(session, ids=ids)


def reader() -> Actor | None:
    """Who reads, if that is known already: a page about a failure must not ask again."""
    found: Actor | None = g.get("actor")
    return found


def waiting() -> list[Approval]:
    """The oldest proposals that wait for the reader's signature, asked for once a request."""
    if "waiting" not in g:
        caller = actor()
        found = approvals.page(core(), actor=caller, status=Status.WAITING, cursor=None, limit=MOST)
        may = caller.has(Role.APPROVER)
        g.waiting = [one for one in found.items if may and one.may_sign(caller)]
    mine: list[Approval] = g.waiting
    return mine


def waiting_count() -> int:
    """How many proposals wait for the reader; none where the books can't be asked."""
    try:
        return len(waiting())
    except DomainError:
        return 0
