"""The gate emptied, set back to an older moment, or replaced by a replica that lags."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

import redis

from voucher_service.infra.embedded.servers import GATE

from . import processes
from .stand import Stand, quietly
from .strike import Course, Kind, Strike

_ONLY_GATE = frozenset({GATE})


def flush(stand: Stand, strike: Strike) -> Course:
    """FLUSHALL."""
    gate = stand.at_gate()
    keys = int(gate.dbsize())
    gate.flushall()
    strike.hit(keys > 0, f"{keys} keys gone")
    yield 0.2


def old_dump(stand: Stand, strike: Strike) -> Course:
    """A dump of some seconds ago is what the killed gate starts with."""
    gate, child = stand.at_gate(), stand.gate
    dump = stand.data / child.name / "dump.rdb"
    gate.save()
    old = dump.replace(dump.with_suffix(".old"))
    yield strike.rng.uniform(1, 4)
    with stand.kept_down(GATE):
        gone = processes.kill([stand.pid(GATE)])
        child.exit_code()
        shutil.move(old, dump)
        child.start()
    loaded = 0
    for _ in range(100):
        yield 0.02
        if quietly(gate.ping):
            facts: Any = gate.info("persistence")
            loaded = int(facts["rdb_last_load_keys_loaded"])
            break
    dump.unlink()
    strike.hit(gone and loaded > 0, f"{loaded} keys of an earlier moment loaded")
    yield 0.2


def set_back(stand: Stand, strike: Strike) -> Course:
    """The keys of some seconds ago in place of today's, in the same run of the same process."""
    gate = stand.at_gate()
    names: Any = gate.keys("gate:*")
    reading = gate.pipeline(transaction=True)
    for name in names:
        reading.dump(name)
    read = zip(names, reading.execute(), strict=True)
    dumped = {name: value for name, value in read if value is not None}
    yield strike.rng.uniform(1, 4)
    pipeline = gate.pipeline(transaction=True)
    pipeline.flushall()
    for name, value in dumped.items():
        pipeline.restore(name, 0, value)
    strike.hit(quietly(pipeline.execute), f"{len(dumped)} keys set back")
    yield 0.2


def promote(stand: Stand, strike: Strike, *, both_live: bool) -> Course:
    """A replica that lags takes over; with `both_live` the old gate goes on serving for a while."""
    old, new = stand.serving_gate, stand.spare
    taken = False
    stand.gates[new].start()
    try:
        replica = stand.at_gate(new)
        yield from _until(partial(quietly, replica.ping))
        stand.at_gate(old).config_set("repl-diskless-sync-delay", "0")
        replica.config_set("masterauth", stand.password)
        replica.replicaof("127.0.0.1", str(stand.gate_ports[old]))
        yield from _until(lambda: _synced(replica))
        replica.replicaof("NO", "ONE")  # from here on it does not hear of any claim
        keys = int(replica.dbsize())
        yield strike.rng.uniform(0.5, 2)
        taken = True
        with stand.kept_down(GATE):
            stand.serving_gate = new
            share = 0.5 if both_live else 1.0
            cut = stand.gate_proxy.point(stand.gate_ports[new], share=share, rng=strike.rng)
            if both_live:
                alive = quietly(stand.at_gate(old).ping)
                yield strike.rng.uniform(1, 3)
            gone = processes.kill([_pid(stand, old)])
            stand.gates[old].exit_code()
        said = f"{keys} keys of a lagging replica serve, {cut} connections cut"
        strike.hit(gone and keys > 0 and (not both_live or alive), said)
        yield 0.2
    finally:
        if not taken:
            stand.gates[new].stop(2)


def _pid(stand: Stand, name: str) -> int:
    pid = stand.gates[name].pid
    assert pid is not None
    return pid


def _synced(replica: redis.Redis) -> bool:
    facts: Any = replica.info("replication")
    return facts.get("master_link_status") == "up" and not facts.get("master_sync_in_progress")


def _until(true: Callable[[], bool]) -> Course:
    for _ in range(250):
        if true():
            return
        yield 0.02
    raise TimeoutError("the replica did not get ready")


KINDS = (
    Kind("gate.flush", flush, _ONLY_GATE, 2),
    Kind("gate.old_dump", old_dump, _ONLY_GATE),
    Kind("gate.set_back", set_back, _ONLY_GATE),
    Kind("gate.promote", partial(promote, both_live=False), _ONLY_GATE),
    Kind("gate.split", partial(promote, both_live=True), _ONLY_GATE),
)
