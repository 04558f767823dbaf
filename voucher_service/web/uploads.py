"""A few routes take a file, which is larger than any other request."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

from flask import Flask, request

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
    is read. From so many bytes on what comes is written to `folder`, as an `Incoming`.
    """

    def widen() -> None:
        if request.method != "POST" or request.blueprint not in blueprints:
            return
        length = request.content_length or 0
        if request.mimetype != "multipart/form-data" or length < from_bytes:
            return
        check(max(0, length - _BESIDE_BYTES))
        request.max_content_length = length
        request.max_form_memory_size = _FIELD_BYTES
        request._get_file_stream = lambda *_, **__: spool.Incoming(folder())  # type: ignore[method-assign]  # noqa: SLF001

    app.before_request_funcs.setdefault(None, []).insert(0, widen)


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
