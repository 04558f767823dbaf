"""Stylesheets and scripts: gathered into a few bundles, compressed once, cached by content hash.

`collect()` copies the libraries that pages load from `node_modules/`; none of their code is ours.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Response, request

from voucher_service.kernel.errors import NoSuchThing

STATIC = Path(__file__).resolve().parent / "static"
ROOT = STATIC.parent.parent.parent
LIBRARIES = {
    "bootstrap/dist/css/bootstrap.min.css": "bootstrap.min.css",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "zxing-wasm/dist/iife/reader/index.js": "zxing.min.js",
    "zxing-wasm/dist/reader/zxing_reader.wasm": "zxing.wasm",
}
_ALWAYS = ("tokens", "brands", "bridge", "base", "controls", "words", "ticket", "seal", "ledger")
_PHONE = ("phone", "home", "code", "till", "result")
_CONSOLE = ("console", "figures", "charts", "desk")
_LAST = ("thread", "paper", "elder", "print")
BUNDLES = {
    "kit/phone.css": (*_ALWAYS, *_PHONE, *_LAST),
    "kit/console.css": (*_ALWAYS, "phone", *_CONSOLE, *_LAST),
    "kit/all.css": (*_ALWAYS, *_PHONE, *_CONSOLE, *_LAST),
}
_EMBEDDED = re.compile(rb'url\("data:[^"]*"\)|sourceMappingURL=\S+')
_FOREVER = "public, max-age=31536000, immutable"
_COMPRESSED = frozenset(
    {
        "text/css",
        "text/javascript",
        "image/svg+xml",
        "application/json",
        "application/manifest+json",
        "application/wasm",
    }
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    gzipped: bytes | None
    mimetype: str
    version: str


class Assets:
    """The files under some folders, by name; the first folder that has a name wins."""

    def __init__(self, folders: Sequence[Path], *, reload: bool) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._reload = reload
        self._known: dict[str, tuple[int, Asset]] = {}

    def url(self, name: str) -> str:
        """Where a page finds the file; another address when its content is another."""
        return f"/static/{name}?v={self.get(name).version}"

    def get(self, name: str) -> Asset:
        """The file. Raises NoSuchThing."""
        known = self._known.get(name)
        if known and not self._reload:
            return known[1]
        paths = self._paths(name)
        newest = max(path.stat().st_mtime_ns for path in paths)
        if known is None or known[0] != newest:
            known = (newest, _asset(name, b"\n".join(path.read_bytes() for path in paths)))
            self._known[name] = known
        return known[1]

    def send(self, name: str) -> Response:
        """The answer to a browser: for ever when it asks for this very content."""
        asset = self.get(name)
        gzipped = asset.gzipped if "gzip" in request.headers.get("Accept-Encoding", "") else None
        response = Response(gzipped or asset.body, mimetype=asset.mimetype)
        if gzipped:
            response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
        response.set_etag(asset.version)
        same = request.args.get("v") == asset.version
        response.headers["Cache-Control"] = _FOREVER if same else "public, no-cache"
        response.make_conditional(request)
        return response

    def _paths(self, name: str) -> list[Path]:
        if name in BUNDLES:
            return [STATIC / "kit" / f"{part}.css" for part in BUNDLES[name]]
        for folder in self._folders:
            path = (folder / name).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return [path]
        raise NoSuchThing


def collect() -> None:
    """Copy what pages load from `node_modules/` to `static/lib/`. Raises FileNotFoundError.

    Pictures embedded in stylesheets, which our policy refuses, stay behind; kit/bridge.css names
    files in their place.
    """
    target = STATIC / "lib"
    target.mkdir(parents=True, exist_ok=True)
    for source, name in LIBRARIES.items():
        content = (ROOT / "node_modules" / source).read_bytes()
        if not name.endswith(".wasm"):
            content = _EMBEDDED.sub(b"none", content)
        (target / name).write_bytes(content)


def _asset(name: str, body: bytes) -> Asset:
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if name.endswith(".js"):
        mimetype = "text/javascript"
    gzipped = gzip.compress(body, 9, mtime=0) if mimetype in _COMPRESSED else None
    return Asset(body, gzipped, mimetype, hashlib.sha256(body).hexdigest()[:16])
