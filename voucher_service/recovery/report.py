"""What a restore says of itself: for people and for machines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

NAME = "restore-report"


@dataclass
class Report:
    """How a restore went. `violations`: what the restored books or their log get wrong.

    `published` is the size of the newest head that was published, `agrees_to` that of the newest
    one which is a head of this log too; `missing_entries` what is missing or other than published,
    exactly where the log is shorter, at most so many where it is as long. `recovered_to` is the
    instant of the last commit, `reaches` what the backup could have given. `last_claim` is the
    newest voucher in the books.
    """

    backup: str
    wanted: datetime | None
    reaches: datetime
    recovered_to: datetime | None = None
    place: str = ""
    entries: int = 0
    published: int = 0
    agrees_to: int = 0
    missing_entries: int = 0
    last_claim: str = ""
    last_claim_at: datetime | None = None
    gates_filled: int = 0
    violations: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong and nothing published is missing."""
        return not self.violations and not self.missing_entries

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure a step."""
        began = time.monotonic()
        yield
        self.seconds[step] = round(time.monotonic() - began, 2)

    def write(self, target: Path) -> None:
        """Both forms, into the restored directory."""
        facts = {**asdict(self), "clean": self.clean, "minutes": self.minutes}
        text = json.dumps(facts, indent=1, default=lambda one: one.isoformat(), ensure_ascii=False)
        (target / f"{NAME}.json").write_text(text + "\n", "utf-8")
        (target / f"{NAME}.txt").write_text(str(self) + "\n", "utf-8")

    @property
    def minutes(self) -> float:
        """From the first step to the last."""
        return round(sum(self.seconds.values()) / 60, 2)

    def __str__(self) -> str:
        """For people."""
        lines = [
            f"restored from {self.backup}, wanted {self.wanted or 'the latest'}",
            f"last commit   {self.recovered_to or 'none after the backup'}  at {self.place}",
            f"last claim    {self.last_claim or 'none'}  {self.last_claim_at or ''}",
            f"gates filled  {self.gates_filled}",
            f"sealed log    {self.entries:,} entries",
            *(f"{step:<13} {seconds:8.1f} s" for step, seconds in self.seconds.items()),
            f"all together  {self.minutes:8.2f} minutes",
            *self.said,
        ]
        if self.missing_entries:
            lines.append(
                f"MISSING  {self.missing_entries:,} entries of the log that were published, up to "
                f"{self.published:,}; it agrees with the head at {self.agrees_to:,}"
            )
        lines += [f"WRONG  {one}" for one in self.violations]
        lines.append("clean" if self.clean else "NOT clean: payouts are stopped until two looked")
        return "\n".join(lines)
