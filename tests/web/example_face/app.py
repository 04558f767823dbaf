"""The app: a list of blueprints, each with its guard on the same line."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Role
from voucher_service.web.app import make_app
from voucher_service.web.face import Face
from voucher_service.web.guards import PUBLIC, SIGNED_IN, Guarded, any_of

from . import calls, pages
from .people import load_actor

BLUEPRINTS = (
    Guarded(calls.sign_in, PUBLIC),
    Guarded(calls.orders, SIGNED_IN),
    Guarded(calls.books, any_of(Role.FINANCE, Role.AUDITOR)),
    Guarded(pages.front, PUBLIC),
    Guarded(pages.desk, SIGNED_IN),
)


def create_app(core: Core) -> Flask:
    """The example face on a core."""
    return make_app(
        Face.MERCHANT, core, BLUEPRINTS, loader=load_actor, folder=Path(__file__).parent
    )
