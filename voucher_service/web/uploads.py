"""A few routes take a file, which is larger than any other request."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from flask import Flask, g, request
from werkzeug.exceptions import ClientDisconnected, LengthRequired, UnsupportedMediaType

from voucher_service.i18n import gettext, mark
from voucher_service.infra import spool

from .forms import Form
from .language import locale

READ_BYTES = 32 * 1024 * 1024
"""As much of a page's form is read, beyond what any file may have: its view can then say in the
form that the file is too large. A part of a file above 500 kB stands on disk, not in memory."""
# What one field beside the file may have, and at least two of the pieces in which a form is read:
# the parser holds the end of one piece while the next comes.
_FIELD_BYTES = 256 * 1024
# What the fields beside a file take, and the lines between them.
_BESIDE_BYTES = 64 * 1024
# A form of another kind is read as one text, so it stays as short as everywhere.
_CARRIERS = frozenset(
    {"multipart/form-data", "application/json", "application/pdf", "image/jpeg", "image/png"}
)
# What a body that is a file may be.
STREAMED = ("text/csv", "application/octet-stream")
_PIECE_BYTES = 1024 * 1024

_MOST_NAME = 80

NO_FILE = mark("请先选一个文件。")
EMPTY_FILE = mark("这个文件是空的，里面什么也没有。请换一个再传。")


def let_through(app: Flask, blueprints: Collection[str], *, most_bytes: int = READ_BYTES) -> None:
    """Let a POST or PUT to these blueprints have `most_bytes`; its length is checked after this,
    and everybody else's stays as it is.
    """

    def widen() -> None:
        carries = request.method in {"POST", "PUT"} and request.mimetype in _CARRIERS
        if carries and request.blueprint in blueprints:
            # Never less than another hook let through.
            request.max_content_length = max(request.max_content_length or 0, most_bytes)
            request.max_form_memory_size = _FIELD_BYTES

    app.before_request_funcs.setdefault(None, []).insert(0, widen)


def let_large_through(
    app: Flask,
    blueprints: Collection[str],
    *,
    from_bytes: int,
    check: Callable[[int], None],
    folder: Callable[[], Path],
) -> None:
    """Let a form to these blueprints have a file of any size that `check` allows, before any of it
    is read. From so many bytes on what comes is written to `folder`, as an `Incoming`, which is
    gone at the end of the request unless it was kept: also when the form broke off.
    """

    def incoming(*_: object, **__: object) -> spool.Incoming:
        made = spool.Incoming(folder())
        g.setdefault("incoming", []).append(made)
        return made

    def drop(_error: BaseException | None) -> None:
        for one in g.pop("incoming", ()):
            one.close()

    def widen() -> None:
        if request.method != "POST" or request.blueprint not in blueprints:
            return
        length = request.content_length or 0
        if request.mimetype != "multipart/form-data" or length < from_bytes:
            return
        check(max(0, length - _BESIDE_BYTES))
        request.max_content_length = length
        request.max_form_memory_size = _FIELD_BYTES
        request._get_file_stream = incoming  # type: ignore[method-assign]  # noqa: SLF001

    app.before_request_funcs.setdefault(None, []).insert(0, widen)
    app.teardown_request(drop)


def let_streams_through(app: Flask, blueprints: Collection[str]) -> None:
    """Let a POST to these blueprints be a file of any length: its view judges `stream_length`
    before it reads any of it.
    """

    def widen() -> None:
        streams = request.method == "POST" and request.mimetype in STREAMED
        if streams and request.blueprint in blueprints:
            request.max_content_length = request.content_length

    app.before_request_funcs.setdefault(None, []).insert(0, widen)


def stream_length() -> int:
    """How many bytes the body is said to have. Raises UnsupportedMediaType, LengthRequired."""
    if request.mimetype not in STREAMED:
        raise UnsupportedMediaType
    if request.content_length is None:
        raise LengthRequired
    return int(request.content_length)


def receive(out: BinaryIO) -> None:
    """Write the body to `out` as it comes. Raises ClientDisconnected when it is shorter than said:
    a server tells no more of a connection that broke than that no bytes are left.
    """
    left = stream_length()
    while left:
        piece = request.stream.read(min(left, _PIECE_BYTES))
        if not piece:
            raise ClientDisconnected
        out.write(piece)
        left -= len(piece)


def sent(form: Form, name: str, *, most_bytes: int) -> bytes:
    """The file of a form, or one byte more than `most_bytes` of a larger one; where there is none
    or nothing in it, the form says so beside its box.
    """
    found = request.files.get(name)
    if found is None or not found.filename:
        form.errors[name] = gettext(NO_FILE, locale())
        return b""
    with closing(found):
        content: bytes = found.read(most_bytes + 1)
    if not content:
        form.errors[name] = gettext(EMPTY_FILE, locale())
    return content


def name_of(name: str) -> str:
    """How the sent file is called, as it can be shown: its last part, visible characters only."""
    found = request.files.get(name)
    last = str(found.filename or "" if found else "").replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable())[:_MOST_NAME] or "–"
