"""How fast a log is sealed, compared, exported and verified, and in how much memory.

    python -m tests.proof.scale --rows 1000000

Starts its own PostgreSQL, writes so many rows as claims leave them (of three rows two are records,
one is a movement of two legs), and prints a line a step. Exit 1 when the verifier needs more than
three minutes for 10⁶ entries, or does not agree.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic, process_time
from typing import TypeVar

import click
import psycopg
from sqlalchemy import make_url

from tests.faults.killable import core_on, servers_in
from voucher_service.infra.core import Core
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.proof import service

T = TypeVar("T")
_SCRIPT = Path(__file__).parents[2] / "tools" / "verify_log.py"
_SECONDS_A_MILLION = 180
_AT_ONCE = 6_000
_ACCOUNTS = """
INSERT INTO ledger.account (owner_type, owner_id, stage)
SELECT 'offer', gen_random_uuid(), stage FROM unnest(ARRAY['available', 'issued']) AS stage
"""
_EVENTS = """
INSERT INTO audit.event (actor, action, object_type, object_id, to_status, occurred_at, detail)
SELECT 'resident:' || md5((random() * 50000)::int::text)::uuid, 'voucher.issued', 'voucher',
    gen_random_uuid()::text, 'live', clock_timestamp(),
    jsonb_build_object('offer', gen_random_uuid(), 'ids', jsonb_build_array(gen_random_uuid()))
FROM generate_series(1, %(rows)s)
"""
_MOVES = """
WITH moved AS (
    INSERT INTO ledger.transfer (code, key, occurred_at)
    SELECT 'issue', gen_random_uuid()::text, clock_timestamp() FROM generate_series(1, %(rows)s)
    RETURNING id
)
INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)
SELECT moved.id, account.id, CASE stage WHEN 'issued' THEN 5000 ELSE -5000 END,
    clock_timestamp(), ''
FROM moved CROSS JOIN (SELECT id, stage FROM ledger.account LIMIT 2) account
"""


def fill(servers: Servers, rows: int) -> None:
    """Write rows, some thousands a transaction, without the services."""
    url = make_url(servers.url("postgres", postgres.SUPERUSER)).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")  # no trigger
        owner.execute(_ACCOUNTS)
        for first in range(0, rows, _AT_ONCE):
            part = min(_AT_ONCE, rows - first)
            with owner.transaction():
                owner.execute(_EVENTS, {"rows": part - part // 3})
                owner.execute(_MOVES, {"rows": part // 3})


def sealed(core: Core) -> int:
    """Seal everything; how many leaves."""
    count = 0
    while some := service.seal(core):
        count += some
    return count


def timed(name: str, count: int, step: Callable[[], T]) -> tuple[T, float]:
    """Do a step, and print how long it took and how much memory this process has had at most."""
    began, busy = monotonic(), process_time()
    done = step()
    took, busy = monotonic() - began, process_time() - busy
    speed = f"{took:.1f} s ({busy:.1f} s of them computing here), {count / took:,.0f} rows/s"
    click.echo(f"{name}: {speed}, {_peak()} MB at most")
    return done, took


def _peak() -> int:
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def verify(folder: Path) -> tuple[int, str]:
    """What the outsider's script says, and how much memory it had."""
    words = [sys.executable, str(_SCRIPT), str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, f"{told.strip()} ({usage.ru_maxrss // 1024} MB)"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with (
        tempfile.TemporaryDirectory(prefix="log-") as name,
        servers_in(Path(name) / "servers") as servers,
        core_on(servers) as core,
    ):
        timed("written", rows, lambda: fill(servers, rows))
        before = service.state(core).size
        timed("sealed", rows, lambda: sealed(core))
        assert service.state(core).size >= before + rows
        out = Path(name) / "log"
        timed("exported", rows, lambda: service.export(core, folder=out))
        (code, told), took = timed("verified by the script", rows, lambda: verify(out))
        click.echo(told)
        found, _ = timed("compared with the books", rows, lambda: service.differences(core, most=3))
        click.echo("\n".join(found) or "no differences")
    return 1 if code or found or took > _SECONDS_A_MILLION * max(rows / 1_000_000, 1) else 0


if __name__ == "__main__":
    sys.exit(main())
