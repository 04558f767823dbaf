"""Residents who claim over HTTP for a drill, and write down what they were told before going on."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Level
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferKind, OfferPlan
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money
from voucher_service.replay.players import player
from voucher_service.replay.publish import WantedCampaign, WantedLine, publish
from voucher_service.replay.strangers import strangers
from voucher_service.vouchers import service as vouchers
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

SLUG, _AREA = "drill", "441700"
_EACH = 50  # vouchers a resident may hold
_FACE_VALUE, _THRESHOLD = Money.of_yuan(20), Money.of_yuan(100)
_ROLES = (Role.PLANNER, Role.APPROVER, Role.APPROVER)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a resident was promised: the voucher, and when they asked and were told."""

    voucher: str
    resident: str
    asked_at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Resident:
    """Who claims, with which access token."""

    id: UUID
    token: str


def found(core: Core, claims: int) -> list[Resident]:
    """Open an offer with room for twice the claims, and register residents for it."""
    with core.transaction() as session:
        now = core.now(session)
    today = day_of(now)
    planner, *approvers = (player(core, role, of=SLUG) for role in _ROLES)
    campaigns.create_programme(
        core,
        actor=planner,
        slug=SLUG,
        name="恢复演练",
        name_en="Restore drill",
        brand="moyang",
        opens_on=today,
        closes_on=today + timedelta(days=7),
        synthetic=True,
    )
    budgets.create_funder(
        core, actor=SYSTEM, code=SLUG, name="演练资金", level=Level.CITY, area=_AREA
    )
    publish(core, _campaign(2 * claims, today), planner=planner, approvers=approvers)
    invented = strangers(random.Random(SLUG))  # noqa: S311 - no secret
    wanted = 2 * claims // _EACH + 1
    people = {one.mobile: one for one in itertools.islice(invented, wanted)}
    ids = identity.register_synthetic(core, people=list(people.values()), now=now)
    return [Resident(one, issue(core, Face.RESIDENT, one).access_token) for one in ids]


def prepare_gate(core: Core) -> OfferId:
    """Fill the gate of the drill's offer; which one it is."""
    (offer,) = [one for one in campaigns.open_offers(core) if one.slug == SLUG]
    vouchers.prepare_gate(core, offer=offer.id, refill=False)
    return offer.id


def _campaign(quota: int, today: date) -> WantedCampaign:
    offer = OfferPlan(
        title=SLUG,
        kind=OfferKind.THRESHOLD,
        face_value=_FACE_VALUE,
        threshold=_THRESHOLD,
        quota=quota,
        per_resident_limit=_EACH,
        valid_days=7,
        slug=SLUG,
    )
    return WantedCampaign(
        programme=SLUG,
        name=SLUG,
        area=_AREA,
        opens_on=today,
        closes_on=today + timedelta(days=7),
        offers=(offer,),
        lines=(WantedLine(SLUG, _FACE_VALUE * quota, 10_000, fallback=True),),
    )


class Crowd:
    """Threads that claim until told to stop, or until nobody answers."""

    def __init__(
        self, residents: Sequence[Resident], port: int, folder: Path, threads: int
    ) -> None:
        self._port, self._over = port, threading.Event()
        self._folder, self._told = folder, 0
        self._threads = [
            threading.Thread(target=self._claim, args=(number, residents[number::threads]))
            for number in range(threads)
        ]

    def start(self) -> None:
        """Begin to claim."""
        for one in self._threads:
            one.daemon = True
            one.start()

    def stop(self) -> None:
        """Nobody asks any more; waits for answers under way."""
        self._over.set()
        for one in self._threads:
            one.join()

    def wait(self, claims: int, seconds: float) -> int:
        """Until so many were promised, or the time is over; how many were."""
        until = time.monotonic() + seconds
        while self.promised < claims and time.monotonic() < until and not self._over.is_set():
            time.sleep(0.05)
        return self.promised

    @property
    def promised(self) -> int:
        """How many vouchers were promised so far."""
        return self._told

    def _claim(self, number: int, residents: Sequence[Resident]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        journal = os.open(self._folder / f"claims-{number}.jsonl", os.O_WRONLY | os.O_CREAT, 0o600)
        turns = itertools.product(range(_EACH), residents)
        try:
            while not self._over.is_set() and (turn := next(turns, None)):
                self._ask(connection, journal, turn[1], f"drill-{turn[0]}")
        except (OSError, http.client.HTTPException, ValueError):
            return  # the server is gone, which is what a drill is about
        finally:
            connection.close()
            os.close(journal)

    def _ask(
        self, connection: http.client.HTTPConnection, journal: int, who: Resident, key: str
    ) -> None:
        asked_at = datetime.now(UTC)
        headers = {
            "Authorization": f"Bearer {who.token}",
            "Idempotency-Key": key,
            "X-Forwarded-For": f"10.{who.id.int >> 16 & 255}.{who.id.int >> 8 & 255}.1",
        }
        connection.request("POST", f"/api/v1/offers/{SLUG}/claims", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == http.client.CREATED:
            facts = [json.loads(body)["id"], str(who.id), asked_at.isoformat()]
            told_at = datetime.now(UTC).isoformat()
            os.write(journal, json.dumps([*facts, told_at]).encode() + b"\n")
            os.fdatasync(journal)
            self._told += 1


def journals(folder: Path) -> list[Claimed]:
    """Every promise of a drill, by the instant it was given. A line cut short was no promise."""
    found = []
    for file in folder.glob("claims-*.jsonl"):
        for line in file.read_text("utf-8").splitlines():
            try:
                voucher, resident, asked_at, told_at = json.loads(line)
            except ValueError:
                continue
            instants = (datetime.fromisoformat(asked_at), datetime.fromisoformat(told_at))
            found.append(Claimed(voucher, resident, *instants))
    return sorted(found, key=lambda one: one.told_at)
