"""Papers that residents hand in: larger requests than any other, read no further than allowed."""

from __future__ import annotations

from contextlib import closing

from flask import Flask, Response, request

from voucher_service.infra import files
from voucher_service.infra.files import Content, Received
from voucher_service.web.site import core

_LARGE = frozenset({"evidence_calls", "evidence"})
_BESIDE_FILE_BYTES = 65_536


def install(app: Flask) -> None:
    """Let papers through on this face; the length is checked after this."""
    app.before_request_funcs.setdefault(None, []).insert(0, _let_papers_through)


def received() -> Received:
    """The paper in the request, made anew: the body of a call, the field `file` of a form.

    Raises FileTooLarge, FileRefused.
    """
    most = core().settings.onboarding.file_limit_bytes
    sent = request.files.get("file")
    if sent is None:
        return files.received(request.get_data(cache=False), most_bytes=most)
    with closing(sent):
        return files.received(sent.read(most + 1), most_bytes=most)


def served(content: Content, name: str) -> Response:
    """A paper: pictures are shown, a PDF is only ever saved, since it may hold a script."""
    response = Response(content.data, mimetype=content.media_type)
    how = "attachment" if content.media_type == files.PDF else "inline"
    ending = "pdf" if content.media_type == files.PDF else "jpg"
    response.headers["Content-Disposition"] = f'{how}; filename="{name}.{ending}"'
    return response


def _let_papers_through() -> None:
    if request.method in {"PUT", "POST"} and request.blueprint in _LARGE:
        limit = core().settings.onboarding.file_limit_bytes
        request.max_content_length = limit + _BESIDE_FILE_BYTES
