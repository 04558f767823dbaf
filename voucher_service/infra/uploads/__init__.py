"""What people upload is drawn anew in a process that can do nothing else.

`process` is that process, by itself in another interpreter; `pictures` and `pdfs` are all that it
does; `pool` asks it. Only `infra.files` uses this package.
"""

from __future__ import annotations

import struct

# A question is the file's length and the file; an answer two lengths, JSON, and the new file.
QUESTION, ANSWER = struct.Struct(">I"), struct.Struct(">II")
MOST_HEAD_BYTES = 4_096
MOST_BODY_BYTES = 32 * 1_048_576
PDF, JPEG = "application/pdf", "image/jpeg"
PDF_START = b"%PDF-"
# What the restricted process answers when it keeps nothing: the code of the refusal in `files`.
DAMAGED = "file_damaged"
TOO_DEMANDING = "file_too_demanding"
TOO_MANY_PIXELS = "picture_too_large"
TOO_MANY_PAGES = "pdf_too_long"
LOCKED = "pdf_locked"
FORM = "pdf_form"


class Unfit(Exception):
    """The file is not kept; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
