"""`python -m voucher_service.i18n [--prune]` adds new texts to the English catalogues.

It lists what lacks English; `--prune` also drops texts that nobody says any more.
"""

from __future__ import annotations

import sys

from .extraction import refresh

if __name__ == "__main__":
    lacking = refresh(prune="--prune" in sys.argv)
    for catalogue, text in lacking:
        sys.stdout.write(f"{catalogue}.po: {text}\n")
    sys.stdout.write(
        f"{len(lacking)} texts without English\n" if lacking else "English is complete\n"
    )
    sys.exit(1 if lacking else 0)
