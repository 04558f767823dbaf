"""`python -m voucher_service.jobs worker` or `… schedule`."""

from __future__ import annotations

import sys

from . import log, schedule, worker

COMMANDS = {"worker": worker.work, "schedule": schedule.run}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"say one of: {', '.join(COMMANDS)}")
    log.configure()
    COMMANDS[sys.argv[1]]()
