"""Attach or start; keep running; stop in order. On real processes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis

from voucher_service import serving
from voucher_service.infra.embedded import ports
from voucher_service.infra.embedded.processes import MARK, Child, Launch
from voucher_service.serving import addresses as addresses_module
from voucher_service.serving import lock
from voucher_service.serving.watch import Watch

TEST = {"VOUCHER_ENV": "test"}
ELSEWHERE = {
    "VOUCHER__DATABASE__URL": "postgresql://app@db.example/voucher",
    "VOUCHER__DATABASE__OWNER_URL": "postgresql://owner@db.example/voucher",
    "VOUCHER__GATE__URL": "redis://gate.example/0",
    "VOUCHER__QUEUE__URL": "redis://queue.example/0",
}
# How long a slow machine may take for what this one does in seconds.
PATIENCE_SECONDS = 240
READY = {
    "resident": "http://127.0.0.1:1",
    "merchant": "http://127.0.0.1:2",
    "admin": "http://127.0.0.1:3",
    "database_url": "postgresql://app@127.0.0.1/voucher",
    "database_owner_url": "postgresql://owner@127.0.0.1/voucher",
    "gate_url": "redis://127.0.0.1:4/0",
    "queue_url": "redis://127.0.0.1:5/0",
}


def test_servers_of_the_environment_are_used_and_nothing_is_started(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving.servers(data, environ=TEST | ELSEWHERE) as found:
        assert found.attached
        assert found.database_url == ELSEWHERE["VOUCHER__DATABASE__URL"]
        assert found.database_owner_url == ELSEWHERE["VOUCHER__DATABASE__OWNER_URL"]
        assert (found.gate_url, found.queue_url) == (
            "redis://gate.example/0",
            "redis://queue.example/0",
        )
    assert not data.exists()


def test_what_the_environment_does_not_name_is_started_and_settings_lead_there(
    tmp_path: Path,
) -> None:
    environ = TEST | {"VOUCHER__GATE__URL": "redis://gate.example/0"}
    with serving.servers(tmp_path, durable=False, environ=environ) as found:
        assert not found.attached
        settings = serving.settings_for(found, tmp_path, environ)
        assert settings.gate.url == "redis://gate.example/0"
        assert not (tmp_path / "gate").exists()
        assert redis.Redis.from_url(settings.queue.url).ping()
        psycopg.connect(settings.database.url).close()
        assert settings.sms.outbox == str(tmp_path / "outbox" / "sms.jsonl")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(settings.database.url)


def test_a_command_attaches_to_what_is_served(tmp_path: Path) -> None:
    with lock.hold(tmp_path) as held:
        assert held
        (tmp_path / "ready.json").write_text(json.dumps(READY), "utf-8")
        with serving.servers(tmp_path, environ=TEST) as found:
            assert found.attached
            assert found.gate_url == READY["gate_url"]
            assert found.database_owner_url == READY["database_owner_url"]


def test_a_ready_file_that_a_killed_process_left_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "ready.json").write_text(json.dumps(READY), "utf-8")
    with serving.servers(tmp_path, durable=False, environ=TEST) as found:
        assert not found.attached
        assert found.gate_url != READY["gate_url"]
        assert not (tmp_path / "ready.json").exists()


def test_data_that_another_command_uses_is_refused_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses_module, "_WAIT_SECONDS", 0.3)
    with (
        lock.hold(tmp_path),
        pytest.raises(serving.ServingError, match=f"process {os.getpid()}"),
        serving.servers(tmp_path, environ=TEST),
    ):
        pass


def test_second_dev_on_the_same_data_and_a_port_in_use_are_refused(tmp_path: Path) -> None:
    with lock.hold(tmp_path), pytest.raises(serving.ServingError, match="already being served"):
        serving.dev(tmp_path, 8000, None, None)
    port = three_ports()
    with (
        socket.create_server(("127.0.0.1", port + 1)),
        pytest.raises(serving.ServingError, match=r"merchant face.*make run PORT="),
    ):
        serving.dev(tmp_path, port, None, None)


def test_what_dies_is_started_again_and_what_keeps_dying_is_named(tmp_path: Path) -> None:
    def launch() -> Launch:
        return Launch((sys.executable, "-c", "raise SystemExit('no such key')"), tmp_path)

    said: list[str] = []
    child = Child(tmp_path, "worker", launch)
    watch = Watch(child, said.append)
    child.start()
    pids, now = {child.pid}, 0.0
    for _ in range(4):
        while child.exit_code() is None:
            time.sleep(0.01)
        watch.look(now)
        now += 5
        watch.look(now)
        pids.add(child.pid)
    assert len(pids) == 5
    assert said[0] == "worker ended with 1; starting it again"
    assert "worker keeps ending (4 times in a minute)" in said[3]
    assert "no such key" in said[3]
    child.stop()


def to(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE_SECONDS)


def healthy(url: str) -> bool:
    connection = to(url)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def pings(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.RedisError:
        return False


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def three_ports() -> int:
    while True:
        first = ports._choose(set())
        if ports.is_free(first + 1) and ports.is_free(first + 2):
            return first


def children_of(data: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for variable in variables:
            if variable.startswith(f"{MARK}={data}:".encode()):
                found.setdefault(variable.rsplit(b":", 1)[1].decode(), []).append(int(entry.name))
    return found


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def refusal(url: str) -> int:
    """What a face answers to a sign-in that lacks everything."""
    connection = to(url)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/api/v1/sign-in", b'{"nobody": true}', headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_dev_brings_all_back_and_stops_clean(tmp_path: Path) -> None:
    data, ready = tmp_path / "data", tmp_path / "ready.json"
    script = (
        "import sys; from pathlib import Path; from voucher_service import serving\n"
        "serving.dev(Path(sys.argv[1]), int(sys.argv[2]), None, Path(sys.argv[3]))"
    )
    command = [sys.executable, "-c", script, str(data), str(three_ports()), str(ready)]
    said = tmp_path / "said"
    with said.open("w") as out, subprocess.Popen(command, stdout=out) as process:
        try:
            wait_for(lambda: ready.exists() or process.poll() is not None, "not ready")
            assert process.poll() is None, said.read_text("utf-8")
            found = json.loads(ready.read_text("utf-8"))
            assert list(found) == list(READY)
            faces = [found[name] for name in ("resident", "merchant", "admin")]
            assert all(healthy(url) for url in faces)
            # A body, through the server that serves people: each face reads it and refuses it.
            assert [refusal(url) for url in faces] == [422, 422, 422]

            before = children_of(data)
            programs = {"resident", "merchant", "admin", "worker", "schedule", "witness"}
            assert programs <= before.keys()
            for pids in before.values():
                for pid in pids:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            wait_for(lambda: all(healthy(url) for url in faces), "faces are not back")
            wait_for(lambda: children_of(data).keys() >= before.keys(), "children are not back")
            wait_for(lambda: answers(found["database_url"]), "the database is not back")
            for name in ("gate_url", "queue_url"):
                wait_for(lambda url=found[name]: pings(url), f"{name} is not back")

            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
    assert not ready.exists()
    assert not (data / "ready.json").exists()
    assert not children_of(data)
