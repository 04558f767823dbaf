"""Files that are written for one reader and sent as they are: tables in Excel and CSV."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, BinaryIO, cast

from flask import Response

_SPOOLED_BYTES = 1024 * 1024
_SENT_BYTES = 65_536
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def as_file(name: str, format_: str, write: Callable[[BinaryIO], None]) -> Response:
    """What is written, as an attachment; kept on disk beyond a megabyte until it is sent."""
    with ExitStack() as kept:
        out = kept.enter_context(tempfile.SpooledTemporaryFile(_SPOOLED_BYTES))
        write(cast(BinaryIO, out))
        answer = Response(_parts(out, kept.pop_all()), content_type=TYPES[format_])
        answer.content_length = out.tell()
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{format_}"'
    return answer


def _parts(out: IO[bytes], kept: ExitStack) -> Iterator[bytes]:
    with kept:
        out.seek(0)
        while part := out.read(_SENT_BYTES):
            yield part
