"""What `voucher simulate` does: play, say what came of it, and keep the seeds that failed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from random import Random

from voucher_service import demo
from voucher_service.campaigns import service as campaigns
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.replay.strangers import strangers

from .likeness import books_alike, gates_alike
from .mutants import table
from .protections import NAMES, without
from .sweep import sweep

FAILED = "failed-seeds.txt"


def simulate(
    seeds: Sequence[int], *, folder: Path, processes: int, mutant: str, mutants: bool
) -> tuple[list[str], bool]:
    """Lines to print, and whether all is well. A mutant that nobody notices is not.

    Seeds that fail without a mutant are appended to `failed-seeds.txt` in the folder.
    """
    if mutants:
        return list(table(seeds, processes=processes)), True
    names = [one.strip() for one in mutant.split(",") if one.strip()]
    if unknown := set(names) - set(NAMES):
        wrong = ", ".join(sorted(unknown))
        return [f"no such protection: {wrong}; there are {', '.join(NAMES)}"], False
    found = sweep(seeds, processes=processes, keeps=without(*names))
    lines = list(found.lines())
    if names:
        return [*lines, "noticed" if found.failed else "nobody noticed"], bool(found.failed)
    if found.failed:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FAILED).open("a", encoding="utf-8") as kept:
            kept.writelines(f"{seed}\n" for seed in sorted(found.failed))
        lines.append(f"the seeds that failed are kept in {folder / FAILED}")
    return lines, found.passed


def check_fakes(core: Core, seeds: Sequence[int]) -> tuple[list[str], bool]:
    """Random operations on simulated servers and on these real ones, which must answer alike."""
    demo.load(core)
    offer = campaigns.open_offers(core)[0]
    people = list(itertools.islice(strangers(Random()), 9))  # noqa: S311 - invented
    with core.transaction() as session:
        now = core.now(session)
    residents = identity.register_synthetic(core, people=people, now=now)
    differences = []
    for seed in seeds:
        differences += gates_alike(core, seed)
        differences += books_alike(core, offer, residents, seed)
        if len(differences) > 20:
            break
    count = 2 * len(seeds)
    return [f"{count} sequences on simulated and real servers", *differences], not differences
