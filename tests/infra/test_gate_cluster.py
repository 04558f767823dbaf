"""The gate on a Redis Cluster of three nodes: the same scripts, each on the node of its offer."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
import redis
from redis.cluster import RedisCluster

from tests.make import World
from voucher_service.allocation import gate, service, upkeep
from voucher_service.allocation.model import Ask, Seat
from voucher_service.campaigns.model import Offer
from voucher_service.infra import incarnation
from voucher_service.infra.core import Core, build
from voucher_service.infra.embedded import ports, wheels
from voucher_service.infra.redis import connect
from voucher_service.kernel.errors import Conflict, TryAgain
from voucher_service.kernel.ids import ResidentId
from voucher_service.settings import Settings
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.service import drift

PASSWORD = "demo-only-cluster"
SLOTS = ((0, 5_460), (5_461, 10_922), (10_923, 16_383))
LUA = Path(gate.__file__).parent / "lua"


@dataclass
class Node:
    """A server of the cluster; it forgets its data when it stops, and keeps its place."""

    port: int
    bus: int
    directory: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(str(wheels.valkey_server()), "--bind", "127.0.0.1", "--port", str(self.port)),
                *("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"),
                *("--cluster-port", str(self.bus)),
                *("--requirepass", PASSWORD, "--dir", str(self.directory), "--save", ""),
            ],
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: bool(self.ask("PING")))

    def kill(self) -> None:
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def ask(self, *command: object) -> Any:
        with redis.Redis(port=self.port, password=PASSWORD, decode_responses=True) as client:
            return client.execute_command(*command)


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except redis.RedisError:
            pass
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    found = iter(ports.assign(tmp_path_factory.mktemp("ports") / "ports", "abcdef").values())
    made = [Node(next(found), next(found), tmp_path_factory.mktemp("node")) for _ in SLOTS]
    with ExitStack() as stack:
        for node, (first, last) in zip(made, SLOTS, strict=True):
            stack.callback(node.kill)
            node.start()
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        for other in made[1:]:
            made[0].ask("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus)
        wait_until(lambda: all(whole(one) for one in made))
        yield made


def whole(node: Node) -> bool:
    facts = str(node.ask("CLUSTER", "INFO"))
    return "cluster_state:ok" in facts and "cluster_known_nodes:3" in facts


@pytest.fixture(scope="module")
def core(settings: Settings, nodes: list[Node]) -> Iterator[Core]:
    url = f"redis+cluster://:{PASSWORD}@127.0.0.1:{nodes[0].port}"
    made = build(replace(settings, gate=replace(settings.gate, url=url)))
    assert isinstance(cast(object, made.gate), RedisCluster)
    yield made
    made.close()


def home(core: Core, offer: Offer) -> int:
    """The port of the node that keeps an offer's gate."""
    cluster = cast(Any, core.gate)
    return int(cluster.get_node_from_key(f"gate:{{{offer.id.hex}}}:meta").port)


def test_offers_on_all_nodes_are_claimed_to_the_last_slot_and_drift_nowhere(
    world: World, core: Core
) -> None:
    offers: list[Offer] = []
    while len({home(core, one) for one in offers}) < 3:
        offers.append(world.offer(world.plan(quota=2)))
    for offer in offers:
        resident = world.resident()
        first = world.claim(offer, resident, key="tap")
        assert world.claim(offer, resident, key="tap").id == first.id
        world.claim(offer)
        with pytest.raises(Conflict, match="sold_out"):
            world.claim(offer)
    now = [world.reload(one.id) for one in offers]
    assert all(one.clean for one in drift.examine(core, offers=now))
    for offer in now:
        assert gate.Gate(core, offer.id).free(service.pool_of(offer)) == [0]
        assert gate.Gate(core, offer.id).pending(service.pool_of(offer), world.now()) == []


def test_a_seat_that_nobody_settled_is_freed(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=1))
    vouchers.prepare_gate(core, offer=offer.id, refill=True)
    found = world.reload(offer.id)
    pool, one = service.pool_of(found), gate.Gate(core, offer.id)
    ask = Ask(ResidentId(cast(UUID, world.resident().id)), b"k" * 32)
    (answer,) = one.admit(pool, [ask], world.now())
    assert (answer.seat in one.pending(pool, world.now()), one.free(pool)) == (True, [0])
    assert one.settle(pool, [(cast(Seat, answer.seat), None)])
    assert (one.pending(pool, world.now()), one.free(pool)) == ([], [1])


def test_a_gate_that_drifted_is_filled_again(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=3))
    world.claim(offer)
    core.gate.delete(f"gate:{{{offer.id.hex}}}:free:1")
    watch = upkeep.Watch(vouchers.GATED)
    assert watch(core) + watch(core) == 1
    for _ in range(2):
        world.claim(offer)
    with pytest.raises(Conflict, match="sold_out"):
        world.claim(offer)


def test_claims_go_on_after_a_node_was_killed_and_came_back_empty(
    world: World, core: Core, nodes: list[Node]
) -> None:
    offer = world.offer(world.plan(quota=3))
    world.claim(offer)
    upkeep.refill_stale(core, vouchers.GATED)
    before = incarnation.current(core.gate)
    (node,) = (one for one in nodes if one.port == home(core, offer))
    node.kill()
    with pytest.raises(TryAgain):
        world.claim(offer)
    assert gate.Gate(core, offer.id).free(service.pool_of(world.reload(offer.id))) is None
    node.start()
    wait_until(lambda: all(whole(one) for one in nodes))
    assert incarnation.current(core.gate) != before
    world.claim(offer)
    assert upkeep.refill_stale(core, vouchers.GATED) > 0, "the others of that node, too"
    assert upkeep.refill_stale(core, vouchers.GATED) == 0
    world.claim(offer)
    with pytest.raises(Conflict, match="sold_out"):
        world.claim(offer)


def test_a_cluster_of_which_no_node_answers_is_away(core: Core, settings: Settings) -> None:
    nowhere = replace(settings.gate, url="redis+cluster://127.0.0.1:1")
    with closing(build(replace(settings, gate=nowhere))) as lost, pytest.raises(TryAgain):
        upkeep.refill_stale(lost, vouchers.GATED)
    with pytest.raises(redis.ConnectionError):
        connect(nowhere.url, 0.2)
    assert cast(Any, core.gate).retry.get_retries() == 0


def test_every_key_that_a_script_touches_is_declared() -> None:
    for script in LUA.glob("*.lua"):
        calls = re.findall(r"redis\.call\('(\w+)'(?:, ([^,)]+))?", script.read_text("utf-8"))
        assert calls, script
        for command, key in calls:
            declared = key.startswith("KEYS[") or key == "release.key"  # itself one of KEYS
            assert command == "TIME" or declared, f"{script.name}: {command} {key}"
