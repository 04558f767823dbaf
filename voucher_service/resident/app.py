"""The resident face: a list of blueprints, each with its guard on the same line."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from voucher_service.infra.core import Core, build
from voucher_service.web.app import make_app
from voucher_service.web.face import Face
from voucher_service.web.guards import PUBLIC, SIGNED_IN, TOKEN, Guarded

from . import uploads, words
from .api import applications as applications_api
from .api import differences as differences_api
from .api import entry as entry_api
from .api import lotteries as lotteries_api
from .api import me as me_api
from .api import offers as offers_api
from .api import proof as proof_api
from .api import qualifications as qualifications_api
from .api import tradein as tradein_api
from .api import wallet as wallet_api
from .crowd import Crowd
from .examples import EXAMPLES
from .pages import (
    account,
    applications,
    claims,
    differences,
    entry,
    home,
    identity,
    lotteries,
    merchants,
    paper,
    proof,
    qualifications,
    tradein,
    voucher,
    wallet,
)
from .people import load_actor

BLUEPRINTS = (
    Guarded(entry_api.sign_in, PUBLIC),
    Guarded(me_api.terms, PUBLIC),
    Guarded(me_api.me, SIGNED_IN),
    Guarded(offers_api.offers, PUBLIC),
    Guarded(offers_api.claims, TOKEN),
    Guarded(wallet_api.wallet, SIGNED_IN),
    Guarded(lotteries_api.lotteries, PUBLIC),
    Guarded(proof_api.proof, PUBLIC),
    Guarded(lotteries_api.entries, SIGNED_IN),
    Guarded(tradein_api.blueprint, PUBLIC),
    Guarded(qualifications_api.blueprint, SIGNED_IN),
    Guarded(applications_api.calls, SIGNED_IN),
    Guarded(applications_api.handing_in, SIGNED_IN),
    Guarded(applications_api.notices, PUBLIC),
    Guarded(differences_api.calls, SIGNED_IN),
    Guarded(home.pages, PUBLIC),
    Guarded(tradein.pages, PUBLIC),
    Guarded(qualifications.pages, SIGNED_IN),
    Guarded(applications.pages, SIGNED_IN),
    Guarded(applications.handing_in, SIGNED_IN),
    Guarded(applications.notices, PUBLIC),
    Guarded(differences.pages, SIGNED_IN),
    Guarded(entry.pages, PUBLIC),
    Guarded(identity.pages, SIGNED_IN),
    Guarded(claims.pages, SIGNED_IN),
    Guarded(wallet.pages, SIGNED_IN),
    Guarded(voucher.pages, SIGNED_IN),
    Guarded(paper.pages, SIGNED_IN),
    Guarded(account.pages, SIGNED_IN),
    Guarded(lotteries.pages, PUBLIC),
    Guarded(proof.pages, PUBLIC),
    Guarded(merchants.pages, PUBLIC),
    Guarded(lotteries.entering, SIGNED_IN),
)


def create_app(core: Core | None = None) -> Flask:
    """The resident face on a core, by default on the settings' servers."""
    core = core or build()
    app = make_app(
        Face.RESIDENT,
        core,
        BLUEPRINTS,
        loader=load_actor,
        folder=Path(__file__).parent,
        examples=EXAMPLES,
    )
    words.install(app)
    uploads.install(app)
    Crowd(core).install(app)
    return app
