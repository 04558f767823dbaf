"""Keeps children running: what dies is started again, and what keeps dying is named."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from voucher_service.infra.embedded.processes import Child, ServerFailed

_RECENT_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 30.0
_OFTEN = 4


class Watch:
    """One child, its recent deaths, and when it may start again."""

    def __init__(self, child: Child, say: Callable[[str], None]) -> None:
        self._child, self._say = child, say
        self._deaths: deque[float] = deque()
        self._due_at: float | None = None

    def look(self, now: float) -> None:
        """Start the child again if it ended and its pause is over. `now` is monotonic seconds."""
        if self._due_at is None:
            if (code := self._child.exit_code()) is None:
                return
            self._died(f"ended with {code}", now)
        if self._due_at is not None and now >= self._due_at:
            self._due_at = None
            try:
                self._child.start()
            except ServerFailed as error:
                self._died(str(error), now)

    def _died(self, how: str, now: float) -> None:
        self._deaths.append(now)
        while now - self._deaths[0] > _RECENT_SECONDS:
            self._deaths.popleft()
        count = len(self._deaths)
        pause = 0.0 if count == 1 else min(2.0 ** (count - 2), _LONGEST_PAUSE_SECONDS)
        self._due_at = now + pause
        if count < _OFTEN:
            self._say(f"{self._child.name} {how}; starting it again")
        else:
            self._say(
                f"{self._child.name} keeps ending ({count} times in a minute); the next try is in "
                f"{pause:.0f} s. {self._child.log} ends:\n{self._child.last_words()}"
            )


def keep_running(children: Iterable[Child], say: Callable[[str], None]) -> None:
    """Watch for ever; leave by an exception, as Ctrl-C raises one."""
    watches = [Watch(child, say) for child in children]
    while True:
        now = time.monotonic()
        for watch in watches:
            watch.look(now)
        time.sleep(0.2)
