"""A lottery to test with: its clock, its offer, and the three who secure it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.make import World
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import ResidentId
from voucher_service.lotteries import service as lotteries
from voucher_service.lotteries.model import (
    Lottery,
    Outcome,
    Party,
    Terms,
)

HOUR = timedelta(hours=1)


@dataclass
class Fair:
    """A lottery, the clock it lives on, and the three who secure it."""

    world: World
    core: Core
    clock: Clock
    parties: dict[Party, Actor]
    offer: Offer
    terms: Terms
    found: Lottery

    def at(self, instant: datetime) -> None:
        self.clock.set(instant)

    def commit(self, *parties: Party) -> dict[Party, str]:
        promised = {party: secrets.token_hex(32) for party in parties or tuple(Party)}
        for party, secret in promised.items():
            digest = hashlib.sha256(secret.encode()).hexdigest()
            lotteries.commit(
                self.core,
                actor=self.parties[party],
                lottery=self.found.id,
                party=party,
                sha256=digest,
            )
        return promised

    def reveal(self, party: Party, secret: str) -> Lottery:
        return lotteries.reveal(
            self.core,
            actor=self.parties[party],
            lottery=self.found.id,
            party=party,
            secret=secret,
        )

    def enter(self, residents: Iterable[Actor]) -> None:
        for one in residents:
            lotteries.enter(self.core, actor=one, lottery=self.found.id)

    def close(self) -> Lottery:
        self.at(self.terms.closes_at)
        return lotteries.close_entries(self.core, actor=self.world.planner, lottery=self.found.id)

    def draw(self) -> Lottery:
        promised = self.commit()
        self.close()
        return [self.reveal(party, secret) for party, secret in promised.items()][-1]

    def outcome(self, resident: Actor) -> Outcome:
        return lotteries.my_entry(self.core, actor=resident, lottery=self.found.id).outcome

    def eligible(self, *residents: Actor) -> list[str | None]:
        ids = [ResidentId(one.id) for one in residents if one.id]
        with self.core.transaction() as session:
            refused = lotteries.eligible(
                session, offer=self.offer.id, residents=ids, now=self.core.now(session)
            )
        return [refused[id].code if id in refused else None for id in ids]

    def files(self, folder: Path) -> Path:
        for name, read in (
            ("lottery.json", lotteries.lottery_file),
            ("entries.csv", lotteries.entries_file),
            ("result.csv", lotteries.result_file),
        ):
            (folder / name).write_bytes(read(self.core, lottery=self.found.id))
        return folder


def a_fair(city: World, seats: int = 2, waiting: int = 2) -> Fair:
    now = city.now()
    clock = Clock(now)
    core = with_clock(city.core, clock)
    terms = Terms(seats, now, now + 2 * HOUR, waiting, now + 9 * HOUR if waiting else None)
    plan = city.plan(quota=max(seats, 1) + 10, opens_at=now + 5 * HOUR)
    campaign = city.draft()
    offer = campaigns.create_offer(core, actor=city.planner, campaign=campaign.id, plan=plan).value
    found = lotteries.plan(core, actor=city.planner, offer=offer.id, terms=terms)
    city.line(campaign.id, plan.face_value * plan.quota)
    city.publish(campaign.id)
    lotteries.open_entries(core, actor=city.planner, lottery=found.id)
    parties = {
        Party.FINANCE: city.staff(Role.FINANCE),
        Party.AUDIT: city.staff(Role.AUDITOR),
        Party.BUREAU: city.staff(Role.APPROVER),
    }
    return Fair(city, core, clock, parties, offer, terms, found)
