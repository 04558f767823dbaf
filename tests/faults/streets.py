"""Real processes of every face under load: residents claim, cashiers redeem, all is noted."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from benchmarks import city as town
from tests.faults.campaign.stand import quietly
from voucher_service import migrate
from voucher_service import settings as settings_module
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign, OfferPlan
from voucher_service.infra.core import Core, build
from voucher_service.infra.embedded import ports
from voucher_service.infra.embedded.processes import Child, Launch
from voucher_service.infra.embedded.servers import DATABASE, GATE, QUEUE, Servers
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.ids import VoucherId
from voucher_service.replay.publish import WantedCampaign, WantedLine, publish
from voucher_service.serving.programs import served
from voucher_service.vouchers import service as vouchers
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

FACES = {
    Face.RESIDENT: ("voucher_service.resident.asgi:app", 2),
    Face.MERCHANT: ("merchant_portal.wsgi:app", 2),
    Face.ADMIN: ("admin.wsgi:app", 1),
}
_THREADS = 8
_READY_SECONDS = 60.0
_TIMEOUT_SECONDS = 10.0


@dataclass
class Streets:
    """A city whose faces are served by processes of their own. `ports` are the faces'."""

    city: town.City
    ports: dict[str, int]
    desk: str

    @property
    def core(self) -> Core:
        """A core on the same servers, for what is not measured."""
        return self.city.core

    def open(self, plan: OfferPlan) -> tuple[Campaign, UUID]:
        """Publish an offer in a campaign of its own; the campaign and the offer's id."""
        today = day_of(self.city.now)
        worth = plan.face_value * plan.quota
        wanted = WantedCampaign(
            programme=town.PROGRAMME,
            name=f"streets {uuid4().hex[:6]}",
            area=town.AREA,
            opens_on=today,
            closes_on=today + timedelta(days=1),
            offers=(plan,),
            lines=(WantedLine(town.PROGRAMME, worth, 10_000, fallback=True),),
        )
        publish(self.core, wanted, planner=self.city.planner, approvers=self.city.approvers)
        for one in campaigns.campaigns(self.core, actor=self.city.planner):
            if one.name == wanted.name:
                _, (offer,), _ = campaigns.campaign(
                    self.core, actor=self.city.planner, campaign=one.id
                )
                vouchers.prepare_gate(self.core, offer=offer.id, refill=False)
                return one, UUID(str(offer.id))
        raise RuntimeError("the campaign is not there")

    def plan(self, quota: int, **changes: Any) -> OfferPlan:
        """An offer of which every resident may hold a hundred."""
        plan = town._plan(f"streets-{uuid4().hex[:8]}", quota, 100)
        return replace(plan, **changes)


@dataclass(frozen=True)
class Told:
    """One answer: what was asked, when, when it came (monotonic seconds), and what it said."""

    what: str
    asked: float
    came: float
    status: int
    code: str


@dataclass
class Crowd:
    """Threads that claim and redeem until told to stop."""

    streets: Streets
    offer: UUID
    order_fen: int
    told: list[Told] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _won: queue.Queue[tuple[UUID, str]] = field(default_factory=queue.Queue)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, *, claimants: int, cashiers: int) -> None:
        """Begin; every thread has residents or a till of its own."""
        city = self.streets.city
        people = list(zip(city.residents, city.tokens, strict=True))
        for n in range(claimants):
            self._begin(self._claim_on, people[n::claimants])
        for token in city.tills[:cashiers]:
            self._begin(self._redeem_on, token)

    def rush(self, wanted: Mapping[str, int], seconds: float) -> None:
        """Wait until so many claims and redemptions were accepted, or so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(
            len(self.accepted(what)) < count for what, count in wanted.items()
        ):
            time.sleep(0.05)

    def stop(self) -> None:
        """End, and wait until everybody was answered."""
        self.over.set()
        for one in self._threads:
            one.join()

    def accepted(self, what: str) -> list[Told]:
        """What was acknowledged, in the order of the answers."""
        found = [one for one in tuple(self.told) if one.what == what and one.status == 201]
        return sorted(found, key=lambda one: one.came)

    def _begin(self, work: Callable[..., None], argument: Any) -> None:
        thread = threading.Thread(target=work, args=(argument,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _claim_on(self, people: Sequence[tuple[UUID, str]]) -> None:
        path = f"/api/v1/offers/{self.offer}/claims"
        with closing(Line(self.streets.ports[Face.RESIDENT])) as face:
            for resident, token in itertools.cycle(people):
                if self.over.is_set():
                    return
                told, body = face.post("claim", path, token)
                self.told.append(told)
                if told.status == 201:
                    self._won.put((resident, body["id"]))

    def _redeem_on(self, token: str) -> None:
        with closing(Line(self.streets.ports[Face.MERCHANT])) as face:
            while not self.over.is_set():
                with suppress(queue.Empty):
                    order = self._order(*self._won.get(timeout=0.1))
                    told, _ = face.post("redeem", "/api/v1/redemptions", token, order)
                    self.told.append(told)

    def _order(self, resident: UUID, voucher: str) -> dict[str, object]:
        owner, id = Actor(ActorKind.RESIDENT, resident), VoucherId(UUID(voucher))
        _, _, (code,) = vouchers.codes(self.streets.core, actor=owner, voucher=id)
        return {
            "code": code.text,
            "order_amount_fen": self.order_fen,
            "order_reference": uuid4().hex,
        }


class Line:
    """One client's connection to a face."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def post(
        self, what: str, path: str, token: str, body: object = None
    ) -> tuple[Told, dict[str, Any]]:
        """One call; status 0 when no answer came."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
        text = None
        if body is not None:
            text, headers["Content-Type"] = json.dumps(body), "application/json"
        asked = time.monotonic()
        try:
            self._connection.request("POST", path, body=text, headers=headers)
            answer = self._connection.getresponse()
            said = json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            return Told(what, asked, time.monotonic(), 0, type(error).__name__), {}
        code = str(said.get("code", ""))
        return Told(what, asked, time.monotonic(), answer.status, code), said


@contextmanager
def streets(data: Path, *, residents: int, schedule: bool, **settings: str) -> Iterator[Streets]:
    """Servers, faces and, if wanted, the schedule, in a new directory."""
    servers, children = Servers(data, durable=True), list[Child]()
    servers.start()
    try:
        migrate.upgrade(servers.owner_url)
        outside = {key: value for key, value in os.environ.items() if not key.startswith("VOUCHER")}
        environment = outside | {
            "VOUCHER_ENV": "test",
            "VOUCHER__DATABASE__URL": servers.url(DATABASE),
            "VOUCHER__GATE__URL": servers.url(GATE),
            "VOUCHER__QUEUE__URL": servers.url(QUEUE),
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        core = build(settings_module.load(environment))
        made = town.build(core, residents)
        chosen = ports.assign(data / "faces.json", [str(face) for face in FACES])
        for face, (target, workers) in FACES.items():
            children.append(_served(data, str(face), target, chosen[face], workers, environment))
        if schedule:
            command = ("voucher_service.jobs", "schedule")
            children.append(Child(data, "schedule", _python(command, environment)))
        for child in children:
            child.start()
        for child, face in zip(children, FACES, strict=False):
            child.wait_until(partial(_answers, chosen[face]), _READY_SECONDS)
        assert made.planner.id
        desk = issue(core, Face.ADMIN, made.planner.id, factor=True).access_token
        yield Streets(made, chosen, desk)
        core.close()
    finally:
        for child in reversed(children):
            child.stop(5)
        servers.stop()


def _served(
    data: Path, name: str, target: str, port: int, workers: int, environment: dict[str, str]
) -> Child:
    options = ("--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--no-ws")
    command = ("granian", *served(target, _THREADS), *options, target)
    return Child(data, name, _python(command, environment))


def _python(command: tuple[str, ...], environment: dict[str, str]) -> Callable[[], Launch]:
    return lambda: Launch((sys.executable, "-m", *command), Path.cwd(), environment=environment)


def _answers(port: int) -> bool:
    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()

    return quietly(ask)
