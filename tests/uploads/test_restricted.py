"""The process that reads strangers' files can do nothing else, and the face outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.uploads.papers import paper
from tests.uploads.pictures import picture
from voucher_service.infra import files
from voucher_service.infra.files import FileTooDemanding, received
from voucher_service.infra.uploads import ANSWER
from voucher_service.infra.uploads import pool as pool_module
from voucher_service.infra.uploads.pool import POOL, Pool

MOST = 5_000_000
# What a child says instead of reading a file; `does` is the body of the function.
CHILD = """
import os, resource, socket, sys, time
from voucher_service.infra.uploads import process

def tried(what):
    try:
        what()
    except BaseException as error:
        return type(error).__name__
    return "done"

def answer(data):
{does}

process._answer = answer
process.CPU_SECONDS = 1
process._give_up_rights()
sys.stdout.buffer.write(process._by_a_child(b""))
"""
TRIES = """
    return process._packed({
        "reads": tried(lambda: open("/etc/passwd")),
        "writes": tried(lambda: open("/tmp/from-a-child", "w")),
        "connects": tried(lambda: socket.socket()),
        "starts": tried(os.fork),
        "takes memory": tried(lambda: bytearray(256 * 1_048_576)),
        "lifts a limit": tried(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))),
        "becomes root": tried(lambda: os.setuid(0)) if os.getuid() else "PermissionError",
    }, b"")
"""


def child(does: str) -> dict[str, str]:
    """What the restricted process hands on of a child that does this."""
    command = [sys.executable, "-c", CHILD.format(does=does)]
    where = Path(__file__).resolve().parents[2]
    said = subprocess.run(command, cwd=where, capture_output=True, check=True).stdout
    head, _ = ANSWER.unpack_from(said)
    return json.loads(said[ANSWER.size : ANSWER.size + head])


def processes() -> list[int]:
    """The restricted processes of this one."""
    every = Path("/proc").glob("[0-9]*/stat")
    found = []
    for stat in every:
        try:
            pid, parent = stat.parent.name, stat.read_text().rpartition(")")[2].split()[1]
            said = (stat.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid() and b"uploads.process" in said:
            found.append(int(pid))
    return found


def test_a_child_can_compute_and_nothing_else() -> None:
    told = child(TRIES)
    assert set(told) == {
        "reads", "writes", "connects", "starts", "takes memory", "lifts a limit", "becomes root",
    }  # fmt: skip
    assert "done" not in told.values(), told


@pytest.mark.parametrize(
    ("does", "code"),
    [
        ("    os.abort()", "file_damaged"),
        ("    os.kill(os.getpid(), 11)", "file_damaged"),
        ("    os._exit(0)", "file_damaged"),
        ("    return bytes(40 * 1_048_576)", "file_damaged"),
        ("    return b'not an answer'", "file_damaged"),
        ("    process.signal.setitimer(0, 0.2); time.sleep(60)", "file_too_demanding"),
        ("    while True: pass", "file_too_demanding"),
    ],
)
def test_however_a_child_ends_there_is_an_answer(does: str, code: str) -> None:
    assert child(does) == {"refused": code}


def test_it_inherits_neither_secrets_nor_connections() -> None:
    received(picture(), most_bytes=MOST)
    assert processes()
    for pid in processes():
        assert Path(f"/proc/{pid}/environ").read_bytes() == b""
        held = {
            one.readlink().name for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()
        }
        assert all(name.startswith(("socket:", "null", "urandom")) for name in held)
        assert len({name for name in held if name.startswith("socket:")}) == 1


def test_one_that_was_killed_is_replaced_unnoticed() -> None:
    received(picture(), most_bytes=MOST)
    for pid in processes():
        os.kill(pid, signal.SIGKILL)
    assert received(paper(), most_bytes=MOST).content.media_type == files.PDF


def test_one_that_is_stuck_is_killed_and_the_file_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    received(picture(), most_bytes=MOST)
    monkeypatch.setattr(pool_module, "_PATIENCE_SECONDS", 0.5)
    for pid in processes():
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(FileTooDemanding):
        received(picture(), most_bytes=MOST)
    monkeypatch.undo()
    assert received(picture(), most_bytes=MOST).content.media_type == files.JPEG


def test_many_at_once_wait_for_two_processes() -> None:
    with ThreadPoolExecutor(8) as crew:
        kept = list(crew.map(lambda _: received(picture(), most_bytes=MOST), range(24)))
    assert len({one.content.sha256 for one in kept}) == 1
    assert len(processes()) <= pool_module.PROCESSES


def test_who_closes_a_pool_leaves_no_process_behind() -> None:
    own, before = Pool(), set(processes())
    own.redrawn(picture())
    (mine,) = set(processes()) - before
    own.close()
    assert mine not in processes()
    assert own.redrawn(picture()).told["media_type"] == files.JPEG
    own.close()


def test_it_ends_with_the_process_that_started_it() -> None:
    script = (
        "import os, sys; from tests.uploads.test_restricted import POOL, picture, processes; "
        "POOL.redrawn(picture()); print(processes()[0], flush=True); os._exit(0)"
    )
    where = Path(__file__).resolve().parents[2]
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=where, capture_output=True, check=True, text=True
    )
    until = time.monotonic() + 5
    while Path(f"/proc/{said.stdout.strip()}").exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_forked_process_asks_its_own() -> None:
    received(picture(), most_bytes=MOST)
    script = (
        "import os; from tests.uploads.test_restricted import POOL, picture, processes; "
        "POOL.redrawn(picture()); child = os.fork(); "
        "told = POOL.redrawn(picture()).told['media_type']; mine = processes(); POOL.close(); "
        "os._exit(0 if told == 'image/jpeg' and len(mine) == 1 else 1) if not child else None; "
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    where = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", script], cwd=where, check=False).returncode == 0
    assert POOL.redrawn(picture()).told["media_type"] == files.JPEG
