"""The resident face as it is served: an ASGI application, with the light way to its claims."""

from __future__ import annotations

import gc

from voucher_service.infra.core import build
from voucher_service.web.express import Express

from .app import create_app
from .crowd import crowd_of

_core = build()
_flask = create_app(_core)
app = Express(_flask, crowd_of(_flask).lane, threads=_core.settings.web.threads)
# What was loaded stays for good; a collection need not look at it again under load, nor look often
# at requests, which leave no cycles behind.
gc.freeze()
gc.set_threshold(20_000, 50, 50)
