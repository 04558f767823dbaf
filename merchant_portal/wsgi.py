"""What the HTTP server loads."""

from __future__ import annotations

import gc

from .app import create_app

app = create_app()
# What was loaded stays for good; a collection need not look at it again under load, nor look often.
gc.freeze()
gc.set_threshold(20_000, 50, 50)
