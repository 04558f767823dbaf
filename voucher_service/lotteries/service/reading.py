"""What is published of lotteries, and what staff see."""

from __future__ import annotations

from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing

from .. import drawing, store
from ..model import Lottery, LotteryId, Status
from ..tables import LotteryRow


def published(core: Core) -> list[Lottery]:
    """Lotteries that were announced, newest first."""
    with core.transaction() as session:
        return store.lotteries(session, LotteryRow.status != Status.DRAFT)


def lottery(core: Core, *, lottery: LotteryId) -> Lottery:
    """An announced lottery. Raises NoSuchThing, for a draft too."""
    with core.transaction() as session:
        return _announced(session, lottery)


def for_staff(core: Core, *, actor: Actor) -> list[Lottery]:
    """Lotteries of the actor's area, drafts included, newest first."""
    with core.transaction() as session:
        found = store.lotteries(session)
    return [one for one in found if areas.within(one.offer.issuing_area, actor.area)]


def of_area(session: Session, actor: Actor, id: LotteryId, *, lock: bool = False) -> Lottery:
    """A lottery of the actor's area. Raises NoSuchThing."""
    found = store.lottery(session, id, lock=lock)
    if not areas.within(found.offer.issuing_area, actor.area):
        raise NoSuchThing
    return found


def lottery_file(core: Core, *, lottery: LotteryId) -> bytes:
    """`lottery.json`, once the list is closed. Raises NoSuchThing."""
    with core.transaction() as session:
        return drawing.lottery_file(_closed(session, lottery))


def entries_file(core: Core, *, lottery: LotteryId) -> bytes:
    """`entries.csv`, once the list is closed. Raises NoSuchThing."""
    with core.transaction() as session:
        _closed(session, lottery)
        return drawing.entries_file(store.leaves(session, lottery))


def result_file(core: Core, *, lottery: LotteryId) -> bytes:
    """`result.csv`, once it is drawn. Raises NoSuchThing."""
    with core.transaction() as session:
        found = _closed(session, lottery)
        if found.seed is None or found.list_sha256 is None:
            raise NoSuchThing
        places = store.places(session, lottery)
        drawn = list(drawing.keyed(found.seed, found.list_sha256, places))
        return drawing.result_file(drawn, found.terms.seats)


def _announced(session: Session, id: LotteryId) -> Lottery:
    found = store.lottery(session, id)
    if found.status is Status.DRAFT:
        raise NoSuchThing
    return found


def _closed(session: Session, id: LotteryId) -> Lottery:
    found = _announced(session, id)
    if found.list_sha256 is None:
        raise NoSuchThing
    return found
