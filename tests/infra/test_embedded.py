"""The embedded servers, on real processes: what lives on, what is forgotten, who dies with whom."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from voucher_service.infra.embedded import ports, postgres, wheels
from voucher_service.infra.embedded.processes import ServerFailed, User
from voucher_service.infra.embedded.servers import DATABASE, GATE, QUEUE, Servers
from voucher_service.infra.redis import connect


@contextmanager
def running(data: Path, *, durable: bool = False) -> Iterator[Servers]:
    servers = Servers(data, durable=durable)
    servers.start()
    try:
        yield servers
    finally:
        servers.stop()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def client(servers: Servers, name: str) -> redis.Redis:
    return connect(servers.url(name), 5)


def value(servers: Servers, statement: str) -> object:
    with psycopg.connect(servers.owner_url) as connection:
        row = connection.execute(statement).fetchone()
    return None if row is None else row[0]


def test_committed_rows_are_back_after_the_server_was_killed(tmp_path: Path) -> None:
    with (
        running(tmp_path, durable=True) as servers,
        closing(psycopg.connect(servers.owner_url)) as kept,
    ):
        kept.execute("CREATE TABLE line (number int)")
        kept.execute("INSERT INTO line SELECT generate_series(1, 500)")
        kept.commit()
        kept.execute("INSERT INTO line VALUES (501)")

        server = servers.children[DATABASE]
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        while server.exit_code() is None:
            time.sleep(0.01)
        server.start()
        postgres.wait_until_ready(server, servers._ports[DATABASE], servers._passwords)

        assert value(servers, "SELECT count(*) FROM line") == 500


def test_second_start_has_the_same_addresses_and_data_and_an_empty_gate(tmp_path: Path) -> None:
    with running(tmp_path) as servers:
        first = [servers.owner_url, *(servers.url(name) for name in (DATABASE, GATE, QUEUE))]
        with psycopg.connect(servers.owner_url) as connection:
            connection.execute("CREATE TABLE line AS SELECT 7 AS number")
        client(servers, GATE).set("slot", 1)
        client(servers, QUEUE).set("job", 1)

    with running(tmp_path) as servers:
        assert first == [
            servers.owner_url,
            *(servers.url(name) for name in (DATABASE, GATE, QUEUE)),
        ]
        assert value(servers, "SELECT number FROM line") == 7
        assert client(servers, GATE).exists("slot") == 0
        assert client(servers, QUEUE).exists("job") == 1


def test_a_port_that_was_taken_meanwhile_is_chosen_again(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    before = ports.assign(file, ("one", "two"))
    with socket.create_server(("127.0.0.1", before["one"])):
        after = ports.assign(file, ("one", "two"))
    assert after["one"] != before["one"]
    assert after["two"] == before["two"]


def test_children_die_with_a_killed_parent_and_the_next_start_works(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from voucher_service.infra.embedded.servers import Servers\n"
        "servers = Servers(Path(sys.argv[1]), durable=False); servers.start()\n"
        "print(*(child.pid for child in servers.children.values()), flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 3
        assert all(alive(pid) for pid in pids)
        parent.kill()

    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in pids)
    with running(tmp_path) as servers:
        assert value(servers, "SELECT 1") == 1


def test_nobody_enters_without_a_password_and_only_we_can_read_it(tmp_path: Path) -> None:
    with running(tmp_path) as servers:
        url = servers.url(DATABASE)
        port = url.rsplit(":", 1)[1]
        for role in ("postgres", "voucher_owner", "voucher_app"):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(f"postgresql://{role}:guess@127.0.0.1:{port}")
        with pytest.raises(redis.AuthenticationError):
            connect("redis://" + servers.url(GATE).split("@")[1], 1).ping()
        assert value(servers, "SHOW listen_addresses") == "127.0.0.1"
        assert client(servers, QUEUE).config_get("bind") == {"bind": "127.0.0.1"}
    for secret in (tmp_path / "secrets" / "servers.json", tmp_path / GATE / "valkey.conf"):
        assert secret.stat().st_mode & 0o077 == 0


def test_the_application_role_owns_nothing_and_makes_no_table(tmp_path: Path) -> None:
    with (
        running(tmp_path) as servers,
        psycopg.connect(servers.url(DATABASE)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE line (number int)")


def test_durable_settings_are_on_unless_a_test_asks_otherwise(tmp_path: Path) -> None:
    with running(tmp_path, durable=True) as servers:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert value(servers, f"SHOW {name}") == "on"
        assert client(servers, QUEUE).config_get("appendfsync") == {"appendfsync": "everysec"}
        assert client(servers, GATE).config_get("appendonly") == {"appendonly": "no"}
        assert (
            client(servers, GATE).config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        )


@pytest.mark.parametrize("damage", ["cut short", "overwritten"])
def test_queue_starts_whatever_happened_to_its_file(tmp_path: Path, damage: str) -> None:
    with running(tmp_path) as servers:
        client(servers, QUEUE).set("first", "1")
        client(servers, QUEUE).set("second", "2")
    (file,) = (tmp_path / QUEUE / "appendonlydir").glob("*.incr.aof")
    if damage == "cut short":
        os.truncate(file, file.stat().st_size - 5)
    else:
        file.write_bytes(b"\0" * file.stat().st_size)
    with running(tmp_path) as servers:
        assert client(servers, QUEUE).exists("first") == (damage == "cut short")
        assert client(servers, QUEUE).exists("second") == 0
    aside = list((tmp_path / QUEUE).glob("appendonlydir-damaged-*"))
    assert len(aside) == (damage == "overwritten")


@pytest.mark.parametrize("content", ["", "1\n", f"{os.getpid()}\n"], ids=["empty", "init", "ours"])
def test_a_lock_file_left_by_a_crash_is_no_obstacle(tmp_path: Path, content: str) -> None:
    with running(tmp_path):
        pass
    (tmp_path / DATABASE / "postmaster.pid").write_text(content, "utf-8")
    with running(tmp_path) as servers:
        assert value(servers, "SELECT 1") == 1


def test_lost_passwords_are_named_and_nothing_is_left_running(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "secrets" / "servers.json").unlink()
    servers = Servers(tmp_path, durable=False)
    with pytest.raises(ServerFailed, match=r"secrets/servers\.json"):
        servers.start()
    assert all(child.exit_code() is not None for child in servers.children.values())


def test_programs_in_a_closed_folder_are_copied_and_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "_COPIES", tmp_path)
    monkeypatch.setattr(wheels, "_everyone_reaches", lambda path: False)
    for _ in range(2):
        programs = wheels.postgres_programs(User(65534, 65534))
        assert programs.is_relative_to(tmp_path)
        done = subprocess.run(
            [programs / "initdb", "--version"], capture_output=True, text=True, check=True
        )
        assert "PostgreSQL" in done.stdout
    assert len(list(tmp_path.iterdir())) == 1
