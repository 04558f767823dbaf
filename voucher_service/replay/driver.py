"""Replay a programme: plan it, refuse what can't be met, play it, reconcile, say what came out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from voucher_service import settings as settings_module
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import CashierId
from voucher_service.reconciliation import service as reconciliation
from voucher_service.settings import Settings

from . import feasible, outcome, play, programme, stage
from . import plan as plans
from .plan import Plan
from .programme import ProgrammeInvalid
from .scaling import Infeasible

_STAGE_FILE = "replay-stage.json"


class ReplayRefused(Exception):
    """The replay can't be played; nothing was written. The text says why and what would help."""


@dataclass(frozen=True)
class Wanted:
    """A replay that can be played."""

    plan: Plan
    scale: str
    seed: int


def prepare(name: str, *, scale: str, seed: int) -> Wanted:
    """Read the programme (a name in config/programmes, or a path), and plan it.

    Raises ReplayRefused before anything is written: no such file, an invalid one, totals that can't
    be met.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = settings_module.CONFIG / "programmes" / f"{name}.toml"
    if not path.is_file():
        known = (
            sorted(one.stem for one in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        )
        raise ReplayRefused(f"there is no programme {name}; known: {', '.join(known) or 'none'}")
    try:
        exact = Fraction(scale)
    except (ValueError, ZeroDivisionError):
        raise ReplayRefused(f"--scale is a number such as 0.1, not {scale!r}") from None
    try:
        found = programme.load(path)
        return Wanted(plans.make(found, feasible.check(found, exact), seed), scale, seed)
    except (ProgrammeInvalid, Infeasible) as error:
        raise ReplayRefused(str(error)) from error


def holds(core: Core, wanted: Wanted) -> bool:
    """Whether the database has this programme already."""
    slug = wanted.plan.programme.slug
    return any(one.slug == slug for one in campaigns.programmes(core))


def run(core: Core, settings: Settings, wanted: Wanted, folder: Path, *, resume: bool) -> None:
    """Set the stage, play, let the rest lapse, reconcile. Raises ReplayRefused, ReplayFailed."""
    if holds(core, wanted) and not resume:
        raise ReplayRefused(
            f"{folder} already holds {wanted.plan.programme.slug}; go on with --resume, "
            "or name another directory with --data"
        )
    file = folder / _STAGE_FILE
    if not file.exists():
        stage.build(core, wanted.plan).save(file)
    targets = wanted.plan.targets
    totals = {
        "claims": targets.vouchers,
        "redemptions": targets.redemptions,
        "cases": sum(one.units for one in targets.fields),
    }
    with _bars() as bars:
        tasks = {name: bars.add_task(name, total=total) for name, total in totals.items() if total}

        def show(progress: play.Progress) -> None:
            for name, task in tasks.items():
                bars.advance(task, getattr(progress, name))

        play.play(settings, wanted.plan, file, show)
    play.expire(core, wanted.plan)
    reconciliation.run(core, programme=wanted.plan.programme.slug)


def cashiers(folder: Path) -> list[CashierId]:
    """One of each shop of the replay that was played in a folder."""
    return [CashierId(one) for one in stage.Stage.read(folder / _STAGE_FILE).cashiers]


def report(core: Core, wanted: Wanted) -> str:
    """What came out, as text."""
    return outcome.text(core, wanted.plan, wanted.scale)


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description:>12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
