"""(step × fault) cells of the claim, and which faults of the campaign put their finger on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One cell. `faults`: kinds that are real hits of it; none: `voucher simulate` has it."""

    step: str
    faults: tuple[str, ...] = ()
    simulated: str = ""


CELLS = (
    Cell(
        "the claim never reaches the gate", ("gate.admit.request_lost", "gate.admit.request_dies")
    ),
    Cell("the gate sets a seat aside, its reply is lost", ("gate.admit.reply_lost",)),
    Cell(
        "the process dies between seat and row",
        ("gate.admit.reply_dies", "claim.insert.request_dies"),
    ),
    Cell(
        "the process dies with the commit on its way, not committed", ("claim.commit.request_dies",)
    ),
    Cell("the process dies, committed", ("claim.commit.reply_dies",)),
    Cell(
        "the rows' reply is lost before the commit",
        ("claim.insert.reply_lost", "claim.insert.request_lost", "claim.insert.reply_dies"),
    ),
    Cell("the commit is lost on its way, the process lives", ("claim.commit.request_lost",)),
    Cell("the commit's reply is lost, the process lives", ("claim.commit.reply_lost",)),
    Cell("PostgreSQL restarts at the peak", ("postgres.kill", "postgres.backend_kill")),
    Cell(
        "PostgreSQL stands still",
        ("postgres.freeze", "postgres.postmaster_freeze", "postgres.backend_freeze"),
    ),
    Cell("one connection of PostgreSQL ends", ("postgres.backend_end",)),
    Cell("a batch meets a slot that is taken", ("gate.set_back",)),
    Cell("a rebuild overtakes a batch: stale epoch", ("rebuild.overtakes",)),
    Cell("the process dies after the commit, before it settles", ("gate.settle.request_dies",)),
    Cell(
        "the settling is lost, or its reply",
        ("gate.settle.request_lost", "gate.settle.reply_lost", "gate.settle.reply_dies"),
    ),
    Cell("the gate dies and is empty", ("gate.kill", "gate.flush")),
    Cell("the gate is away for long: PostgreSQL alone goes on, and gives back", ("gate.away",)),
    Cell("the gate stands still", ("gate.freeze",)),
    Cell("the gate is restored from an old dump", ("gate.old_dump",)),
    Cell("a replica that lags is promoted", ("gate.promote",)),
    Cell("two gates serve at once", ("gate.split",)),
    Cell("the reaper frees a seat, and its commit comes late", ("claim.late",)),
    Cell(
        "a rebuild dies after it raised the epoch",
        ("gate.load.request_dies", "gate.load.reply_dies", "rebuild.commit.reply_dies"),
    ),
    Cell("a rebuild dies before it raised the epoch", ("rebuild.commit.request_dies",)),
    Cell(
        "a rebuild dies before or after the switch",
        ("gate.activate.request_dies", "gate.activate.reply_dies"),
    ),
    Cell(
        "a rebuild's messages are lost, the process lives",
        (
            "rebuild.commit.request_lost",
            "rebuild.commit.reply_lost",
            "gate.load.request_lost",
            "gate.load.reply_lost",
            "gate.activate.request_lost",
            "gate.activate.reply_lost",
        ),
    ),
    Cell("a web process dies or stands still", ("web.kill", "web.kill_all", "web.freeze")),
    Cell(
        "reaper, watch or worker die or stand still",
        (
            "schedule.kill",
            "schedule.freeze",
            "worker.kill",
            "worker.freeze",
            "queue.kill",
            "queue.freeze",
        ),
    ),
    Cell("the disk of PostgreSQL is full", ("postgres.disk_full",)),
    Cell("gate and PostgreSQL are lost at once", ("both.kill",)),
    Cell("the clock of the gate steps", simulated="clock"),
)


def empty(hits: Mapping[str, int]) -> list[Cell]:
    """Real cells that no fault hit."""
    return [cell for cell in CELLS if cell.faults and not any(hits.get(one) for one in cell.faults)]


def page_rows() -> list[str]:
    """The cells as rows of the table in docs/faults.md."""
    rows = []
    for cell in CELLS:
        where = f"simulated: {cell.simulated}"
        if cell.faults:
            where = "real: " + " ".join(f"`{one}`" for one in cell.faults)
        rows.append(f"| {cell.step} | {where} |")
    return rows
