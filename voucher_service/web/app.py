"""Builds one face: its blueprints with their guards, and everything that surrounds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from voucher_service.infra.core import Core

from . import auth, csrf, errors, kit, log, metrics, security
from .api import Api, ApiBlueprint
from .assets import STATIC, Assets
from .document import Examples
from .face import Face
from .guards import PUBLIC, Guard, Guarded
from .health import health
from .language import preferences
from .site import Loader, Signer, Site

_OURS = ("preferences", "health", "metrics", "kit", "openapi")


def make_app(
    face: Face,
    core: Core,
    blueprints: Sequence[Guarded],
    *,
    loader: Loader,
    folder: Path,
    sign_in_path: str = "/sign-in",
    signer: Signer | None = None,
    examples: Examples = MappingProxyType({}),
) -> Flask:
    """One face. Raises ValueError when a route has no guard.

    `folder` is its package's, with `templates/` and `static/`; `loader` finds the actor of a token,
    `signer` of a signed API request, where the face takes those. `examples` are of its API.
    """
    app = Flask(
        f"voucher_{face.value}",
        root_path=str(folder),
        template_folder="templates",
        static_folder=None,
    )
    limit = core.settings.web.body_limit_bytes
    app.config.update(MAX_CONTENT_LENGTH=limit, MAX_FORM_MEMORY_SIZE=limit)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    if core.settings.web.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=core.settings.web.proxies, x_proto=core.settings.web.proxies
        )
    guards = {entry.blueprint.name: entry.guard for entry in blueprints}
    guards |= dict.fromkeys(_OURS, PUBLIC)
    assets = Assets([STATIC, folder / "static"], reload=not core.settings.production)
    app.extensions["voucher"] = Site(face, core, loader, guards, sign_in_path, assets, signer)
    log.install(app, face)
    _check_every_request(app, guards)
    api = _register(app, face, blueprints)
    api.serve(app, guards, signed=signer is not None, examples=examples)
    refuse_unguarded(app, guards)
    errors.install(app)
    security.install(app, production=core.settings.production)
    return app


def _register(app: Flask, face: Face, blueprints: Sequence[Guarded]) -> Api:
    api = Api(app, face)
    for entry in blueprints:
        if isinstance(entry.blueprint, ApiBlueprint):
            api.register_blueprint(entry.blueprint)
        else:
            app.register_blueprint(entry.blueprint)
    for own in (health, preferences, kit.blueprint):
        app.register_blueprint(own)
    metrics.install(app)
    kit.install(app)
    return api


def refuse_unguarded(app: Flask, guards: Mapping[str, Guard]) -> None:
    """Raises ValueError when a route's blueprint has no guard."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] not in guards:
            raise ValueError(f"no guard for {rule.rule}")


def _check_every_request(app: Flask, guards: dict[str, Guard]) -> None:
    @app.before_request
    def check() -> None:
        if request.url_rule is None:
            return  # answered with 404 or 405 in a moment
        if (request.content_length or 0) > (request.max_content_length or 0):
            raise RequestEntityTooLarge  # also where the view never reads the body
        auth.enforce(guards[(request.blueprint or "").split(".")[0]])
        csrf.check()
