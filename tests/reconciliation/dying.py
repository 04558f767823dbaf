"""A full recount that stands still at one place until its process is killed.

    python -m tests.reconciliation.dying SLUG draft|mark

`draft`: before the second part is counted. `mark`: all is written, nothing committed. It says so
in a line.
"""

from __future__ import annotations

import sys
from typing import Any

from voucher_service.infra.core import build
from voucher_service.reconciliation import service, store


def main(slug: str, place: str) -> None:
    """The command."""
    calls, own = [0], getattr(store, place)

    def stand_still(*given: Any, **named: Any) -> None:
        calls[0] += 1
        if calls[0] == (2 if place == "draft" else 1):
            print(place, flush=True)  # noqa: T201 - the test waits for it
            sys.stdin.readline()
        own(*given, **named)

    setattr(store, place, stand_still)
    service.run(build(), programme=slug, whole=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
