"""A batch of subjects is judged: the one code of the job and of the planted fraud. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from .facts import Facts, SaleFacts
from .findings import MUTUAL, WORTH_TURNING_BACK, Finding, Weight
from .scoring import strongest, weigh
from .signals import cars, links, photos, prices, units
from .ties import Index, Near


@dataclass(frozen=True, slots=True)
class Assessed:
    """A subject with what was found in it, the heaviest first."""

    facts: Facts
    findings: tuple[Finding, ...]
    weight: Weight


def assess(batch: Sequence[Facts], index: Index) -> list[Assessed]:
    """Judge a batch, and again those that it makes look different: a group grows one by one."""
    index.put(batch)
    near = index.near(batch)
    first = [judge(one, near[one.id]) for one in batch]
    done = {one.id for one in batch}
    again = _touched(first, near, done)
    near = index.near(again)
    return [*first, *(judge(one, near[one.id]) for one in again)]


def judge(facts: Facts, near: Near) -> Assessed:
    """What is found in one subject among its neighbours."""
    found = [*photos.signals(facts, near), *links.signals(facts, near)]
    if isinstance(facts, SaleFacts):
        found += [*units.signals(facts, near), *prices.signals(facts, near)]
    else:
        found += cars.signals(facts, near)
    findings = tuple(strongest(found))
    return Assessed(facts, findings, weigh(findings))


def _touched(first: Sequence[Assessed], near: Mapping[UUID, Near], done: set[UUID]) -> list[Facts]:
    named = {
        other
        for one in first
        for finding in one.findings
        if finding.kind in MUTUAL and finding.weight >= WORTH_TURNING_BACK
        for other in finding.others
    }
    known = {
        other.id: other for one in near.values() for others in one.by.values() for other in others
    }
    return [known[id] for id in sorted(named - done)]
