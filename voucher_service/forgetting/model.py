"""Why somebody can't be forgotten yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from voucher_service.kernel.errors import Conflict


class RightsLeft(Conflict):
    """The person still has a voucher or qualification to spend, or stands in a line for one."""

    code = "person_has_rights"


class ProcessRuns(Conflict):
    """An application, the papers of a sale or a difference to be paid still needs the person."""

    code = "person_in_process"


class LimitRuns(Conflict):
    """What the person got counts until `until`: a stranger with the same document could get it
    again.
    """

    code = "person_limit_runs"


@dataclass(frozen=True, slots=True)
class Ties:
    """What still ties the house to a person. `limited_until`: the last day of what counts."""

    rights: bool
    processes: bool
    limited_until: date | None

    def check(self, today: date) -> None:
        """Raises RightsLeft, ProcessRuns, LimitRuns."""
        if self.rights:
            raise RightsLeft
        if self.processes:
            raise ProcessRuns
        if self.limited_until is not None and self.limited_until >= today:
            raise LimitRuns(until=self.limited_until.isoformat())
