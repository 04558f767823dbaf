"""Being told to stop."""

from __future__ import annotations

import signal
import time

_LOOK_SECONDS = 0.2


class Stopping:
    """Whether SIGTERM or SIGINT came since `listen`.

    A plain flag: the lock of an event could be held at the moment the signal comes.
    """

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """From now on the signals set the flag, and do nothing else."""
        for kind in (signal.SIGTERM, signal.SIGINT):
            signal.signal(kind, self._note)

    def wait(self, seconds: float) -> None:
        """Sleep that long, or until the flag is set."""
        end = time.monotonic() + seconds
        while not self.asked and time.monotonic() < end:
            time.sleep(min(_LOOK_SECONDS, seconds))

    def _note(self, _number: int, _frame: object) -> None:
        self.asked = True
