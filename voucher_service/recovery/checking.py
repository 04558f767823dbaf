"""Is what was restored whole: its log against published heads, its gates, every invariant."""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from pathlib import Path

from sqlalchemy import text

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.allocation import upkeep
from voucher_service.allocation.upkeep import Gated
from voucher_service.campaigns.model import Mode
from voucher_service.infra.core import Core
from voucher_service.jobs.gates import for_all
from voucher_service.proof import notes
from voucher_service.proof import service as proof
from voucher_service.proof.notes import Head, NoteInvalid
from voucher_service.proof.service.exporting import LEAVES
from voucher_service.proof.tree import Frontier
from voucher_service.reports import verification

from .report import Report

# Outside the package: what auditors run.
_SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "verify_log.py"
SET_BACK = "B1 the books were set back to an earlier instant"


def check(core: Core, report: Report, of_backup: Head | None, heads: Iterable[Head]) -> None:
    """Fill the gates, then look at everything; what is wrong goes into the report.

    `of_backup` is the head in the backup's manifest, `heads` are those that were published. Where
    the books were set back, or something is wrong, payouts stop until two people looked.
    """
    _newest_claim(core, report)
    with report.timed("log sealed"):
        while proof.seal(core):
            pass
        report.entries = proof.health(core).state.size
    with report.timed("gates filled"):
        report.gates_filled = for_all(lambda one: lambda core: _fill(core, one))(core)
    with report.timed("verified"):
        found = verification.verify(core)
        report.violations += [f"{one.invariant}: {one.detail}" for one in found.breaches]
        if not found.breaches:
            report.said.append(found.sentence)
    with report.timed("log checked"):
        _check_log(core, report, of_backup, sorted(heads, key=lambda one: one.size))
    if report.wanted is not None or not report.clean:
        _stop_payouts(core, report)


def heads_in(core: Core, notes_text: str) -> list[Head]:
    """The heads of a file of checkpoints that our log signed; whatever else it holds is skipped."""
    found, keys = [], proof.verifiers(core)
    # A note is a body and its signatures, parted by an empty line.
    for body, signatures in pairwise(notes_text.replace("\r\n", "\n").split("\n\n")):
        signed = "\n".join(one for one in signatures.splitlines() if one.startswith("\N{EM DASH} "))
        top = "\n".join(body.strip().splitlines()[-3:])
        for key in keys:
            try:
                found.append(notes.opened(f"{top}\n\n{signed}\n", key))
                break
            except NoteInvalid:
                continue
    return found


def _fill(core: Core, gated: Gated) -> int:
    """Fill the gates of one kind from the books: these Redis servers are new and empty."""
    why: dict[str, object] = {"why": "restored from a backup"}
    offers = gated.offers(core)
    return sum(
        upkeep.rebuild(
            core,
            gated,
            one,
            why,
            action=upkeep.BACK if one.mode is Mode.DEGRADED else upkeep.REBUILT,
        )
        for one in offers
    )


def _newest_claim(core: Core, report: Report) -> None:
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        row = session.execute(
            text("SELECT id::text, recorded_at FROM voucher ORDER BY recorded_at DESC LIMIT 1")
        ).one_or_none()
    if row is not None:
        report.last_claim, report.last_claim_at = row


def _check_log(core: Core, report: Report, noted: Head | None, heads: Sequence[Head]) -> None:
    """Export the log, compare it with published heads, and have the auditors' script judge it."""
    with tempfile.TemporaryDirectory(prefix="restored-log-", dir="/var/tmp") as folder:
        out = Path(folder) / "log"
        proof.export(core, folder=out)
        if heads:
            report.published = heads[-1].size
            report.agrees_to = _agreed(out / LEAVES, heads)
            if report.agrees_to < report.published:
                # Shorter: that much is missing. Else it parted from what was published before.
                known = report.entries if report.entries < report.published else report.agrees_to
                report.missing_entries = report.published - known
        if not _SCRIPT.exists():
            report.said.append("tools/verify_log.py is not installed here: run it on an export")
            return
        words = []
        if noted is not None and noted.size:
            words = [str(noted.size), base64.b64encode(noted.root).decode()]
        done = subprocess.run(
            [sys.executable, str(_SCRIPT), str(out), *words],
            capture_output=True,
            text=True,
            check=False,
        )
    said = (done.stdout or done.stderr).strip()
    if done.returncode:
        report.violations.append(f"sealed log: {said[-300:]}")
    else:
        report.said.append(f"sealed log: {said}")


def _agreed(leaves: Path, heads: Sequence[Head]) -> int:
    """The size of the largest published head that is one of this log; heads come by size."""
    tree, agreed = Frontier(), 0
    with leaves.open(encoding="ascii") as lines:
        for head in heads:
            tree = tree.extended(
                bytes.fromhex(line) for line in islice(lines, head.size - tree.size)
            )
            if (tree.size, tree.root) == (head.size, head.root):
                agreed = head.size
    return agreed


def _stop_payouts(core: Core, report: Report) -> None:
    cases = [f"restored from {report.backup} to {report.recovered_to or 'its end'}"]
    if report.missing_entries:
        cases.append(f"{report.missing_entries} entries that were published are missing")
    with core.transaction() as session:
        alarms.raise_alarm(
            session,
            kind=Kind.LEDGER,
            subject=SET_BACK,
            detail={"cases": cases + report.violations[:20]},
            now=core.now(session),
        )
