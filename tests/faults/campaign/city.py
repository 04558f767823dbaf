"""Offers with small and large quotas, and the residents who want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from benchmarks import city as town
from voucher_service import settings as settings_module
from voucher_service.campaigns.model import OfferKind, OfferPlan
from voucher_service.infra.core import build
from voucher_service.kernel.clock import day_of
from voucher_service.replay.publish import WantedCampaign, WantedLine, publish

from .clients import Resident
from .stand import Stand


@dataclass(frozen=True)
class Wanted:
    """An offer to publish: its short name, its quota, how many a resident may hold."""

    slug: str
    quota: int
    limit: int


@dataclass
class City:
    """Who claims, and how more offers are published."""

    stand: Stand
    residents: list[Resident]
    _town: town.City

    def publish(self, wanted: Sequence[Wanted]) -> None:
        """Open these offers, in one campaign."""
        today = day_of(self._town.now)
        worth = town.FACE * sum(one.quota for one in wanted)
        publish(
            self._town.core,
            WantedCampaign(
                programme=town.PROGRAMME,
                name=wanted[0].slug,
                area=town.AREA,
                opens_on=today,
                closes_on=today + timedelta(days=7),
                offers=tuple(_plan(one) for one in wanted),
                lines=(WantedLine(town.PROGRAMME, worth, 10_000, fallback=True),),
            ),
            planner=self._town.planner,
            approvers=self._town.approvers,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._town.core.close()


def found(stand: Stand, residents: int) -> City:
    """Found the city, past the proxies: nothing of it is struck."""
    made = town.build(build(settings_module.load(stand.direct)), residents)
    people = [Resident(id, token) for id, token in zip(made.residents, made.tokens, strict=True)]
    return City(stand, people, made)


def durable(stand: Stand) -> bool:
    """Whether PostgreSQL says that it flushes before it acknowledges."""
    names = ["fsync", "synchronous_commit", "full_page_writes"]
    with psycopg.connect(stand.database_url) as connection:
        rows = connection.execute(
            "SELECT setting FROM pg_settings WHERE name = ANY(%s)", [names]
        ).fetchall()
    return [row[0] for row in rows] == ["on"] * len(names)


def _plan(one: Wanted) -> OfferPlan:
    return OfferPlan(
        title=one.slug,
        kind=OfferKind.THRESHOLD,
        face_value=town.FACE,
        threshold=town.THRESHOLD,
        quota=one.quota,
        per_resident_limit=one.limit,
        valid_days=7,
        slug=one.slug,
    )
