"""The restricted process: started once, it forks one child a file, and that child can do nothing.

The child has 5 seconds of CPU, 10 by the clock and 256 MiB of address space; it opens no file and
no socket, starts no process and, where we began as root, is nobody. It sees one file and ends, so
that nothing of one person's upload meets another's. What it writes is only believed by its form.

Standard input and output are one socket; the process ends when the other side closes.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import resource
import signal
import sys
from typing import Any

import pikepdf
from pikepdf import Dictionary, Encryption, Name
from PIL import ExifTags, Image

from . import (
    ANSWER,
    DAMAGED,
    JPEG,
    MOST_BODY_BYTES,
    MOST_HEAD_BYTES,
    PDF,
    PDF_START,
    QUESTION,
    TOO_DEMANDING,
    Unfit,
    pdfs,
    pictures,
)

CPU_SECONDS = 5
CLOCK_SECONDS = 10
MEMORY_BYTES = 256 * 1_048_576
_NOBODY = 65_534
_NO_NEW_PRIVILEGES, _NOT_TO_BE_TRACED = 38, 4
_SPENT = frozenset({signal.SIGXCPU, signal.SIGKILL, signal.SIGALRM})


def main() -> None:
    """Serve until the other side closes."""
    pdfs.limit()
    _warm_up()
    # Why it did not start may be said; what libraries say of files is for nobody.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    _give_up_rights()
    while head := _read(0, QUESTION.size):
        data = _read(0, QUESTION.unpack(head)[0])
        _write(1, _by_a_child(data))


def _warm_up() -> None:
    """Load now what is loaded when first needed: a child can't open a file."""
    drawn, noted = io.BytesIO(), Image.Exif()
    noted[ExifTags.Base.Make] = "none"
    noted.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (0.0, 0.0, 0.0)
    noted.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2000:01:01 00:00:00"
    Image.new("RGBA", (16, 16)).save(drawn, "PNG", exif=noted)
    photo, _ = pictures.redrawn(drawn.getvalue())
    pictures.redrawn(photo)
    for codec in ("/DCTDecode", "/JPXDecode", "/CCITTFaxDecode"):
        with contextlib.suppress(Unfit):
            pdfs.rewritten(_with_picture(photo, codec, Encryption(owner="o")))
    with contextlib.suppress(Unfit):
        pdfs.rewritten(b"%PDF-1.4\n%%EOF")


def _with_picture(data: bytes, codec: str, encryption: Encryption) -> bytes:
    with pikepdf.new() as paper:
        page = paper.add_blank_page()
        picture = paper.make_stream(data, Type=Name.XObject, Subtype=Name.Image)
        picture.Width = picture.Height = 16
        picture.BitsPerComponent = 1 if codec == "/CCITTFaxDecode" else 8
        picture.ColorSpace, picture.Filter = Name.DeviceGray, Name(codec)
        page.Resources = Dictionary(XObject=Dictionary(P=picture))
        written = io.BytesIO()
        paper.save(written, encryption=encryption)
    return written.getvalue()


def _give_up_rights() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        prctl(_NOT_TO_BE_TRACED, 0, 0, 0, 0)


def _by_a_child(data: bytes) -> bytes:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.close(0)
            os.close(1)
            restrict()
            _write(writing, _answer(data))
        finally:
            os._exit(0)
    os.close(writing)
    answer = _read(reading, ANSWER.size + MOST_HEAD_BYTES + MOST_BODY_BYTES)
    # Whoever writes more than that is told so by a closed pipe.
    os.close(reading)
    _, ended = os.waitpid(child, 0)
    if len(answer) >= ANSWER.size and sum(ANSWER.unpack_from(answer)) + ANSWER.size == len(answer):
        return answer
    spent = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) in _SPENT
    return _refusal(TOO_DEMANDING if spent else DAMAGED)


def restrict() -> None:
    """From here on this process computes, for a while, and does nothing else."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    signal.setitimer(signal.ITIMER_REAL, CLOCK_SECONDS)


def _answer(data: bytes) -> bytes:
    try:
        if data.startswith(PDF_START):
            return _packed({"media_type": PDF}, pdfs.rewritten(data))
        drawn, facts = pictures.redrawn(data)
        return _packed({"media_type": JPEG, **facts}, drawn)
    except Unfit as unfit:
        return _refusal(unfit.code)
    except (MemoryError, RecursionError):
        return _refusal(TOO_DEMANDING)
    except Exception:  # noqa: BLE001 - whatever a library says of a stranger's file
        return _refusal(DAMAGED)


def _refusal(code: str) -> bytes:
    return _packed({"refused": code}, b"")


def _packed(told: dict[str, Any], body: bytes) -> bytes:
    head = json.dumps(told).encode()
    return ANSWER.pack(len(head), len(body)) + head + body


def _read(handle: int, most: int) -> bytes:
    """Up to `most` bytes: fewer when the other side closed."""
    found = bytearray()
    while len(found) < most and (part := os.read(handle, min(most - len(found), 1_048_576))):
        found += part
    return bytes(found)


def _write(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
