"""What a sample is, and how what was made of it is judged."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import pikepdf
from PIL import Image

from voucher_service.infra import files

# Stands in samples wherever nothing may be taken over from.
GONE = b"MUST-NOT-BE-SERVED-5f1c"
# A run of so many equal bytes is no chance, unless it is as good as one byte repeated.
_RUN, _VARIED = 32, 12
_ACTS = {"/JavaScript", "/JS", "/Launch", "/EmbeddedFile", "/OpenAction", "/AA", "/URI", "/XFA"}
_CATALOGUE = {"/Type", "/Pages"}
_JPEG_MARKS = {0xDB, 0xC0, 0xC4, 0xDA}


@dataclass(frozen=True)
class Sample:
    """A file that somebody sends, and what is to become of it: a media type or a code."""

    name: str
    data: bytes = field(repr=False)
    becomes: str


def outcome(data: bytes) -> tuple[str, files.Received | None]:
    """The media type and what is kept, or the code of the refusal."""
    try:
        found = files.received(data, most_bytes=64 * 1_048_576)
    except (files.FileRefused, files.FileTooLarge) as refused:
        return refused.code, None
    return found.content.media_type, found


def faults(sent: bytes, made: files.Content, *, marked: bool = True) -> list[str]:
    """What is wrong with a file that is kept; empty when it may be served.

    `marked`: the sender's mark stands only where nothing may be taken over from.
    """
    if made.media_type == files.JPEG:
        return _jpeg_faults(sent, made.data)
    found = _pdf_faults(sent, made.data)
    if marked and GONE in _all_of(made.data):
        found.append("marked bytes within")
    return [*found, "marked bytes in clear"] if GONE in made.data else found


def _jpeg_faults(sent: bytes, made: bytes) -> list[str]:
    """The tables before a scan are the library's, and the same in many pictures."""
    at, marks = 2, []
    while not marks or marks[-1] != 0xDA:
        marks.append(made[at + 1])
        at += 2 + int.from_bytes(made[at + 2 : at + 4], "big")
    with Image.open(io.BytesIO(made), formats=("JPEG",)) as picture:
        picture.load()
    found = [] if marks[0] == 0xE0 and set(marks[1:]) <= _JPEG_MARKS else ["notes beside pixels"]
    found += [] if made.endswith(b"\xff\xd9") else ["something after the picture"]
    return found + (["the sender's scan"] if _shares_a_run(sent, made[at:]) else [])


def _pdf_faults(sent: bytes, made: bytes) -> list[str]:
    with pikepdf.open(io.BytesIO(made)) as paper:
        found = [f"{key} in the catalogue" for key in set(paper.Root.keys()) - _CATALOGUE]
        found += [] if len(paper.pages) else ["no page"]
        for thing in paper.objects:
            if isinstance(thing, pikepdf.Stream):
                packed = thing.read_raw_bytes()
                photo = thing.get("/Filter") == pikepdf.Name.DCTDecode
                shares = not photo and _shares_a_run(sent, packed)
                found += ["the sender's stream"] if shares else []
                found += _jpeg_faults(sent, packed) if photo else []
            found += _acts(thing)
    return found


def _acts(thing: object) -> Iterator[str]:
    """What acts in a thing, and in all that stands directly in it."""
    if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        for key in list(thing.keys()):
            below = thing[key]
            if key in _ACTS or (key in ("/S", "/Type") and str(below) in _ACTS):
                yield key if key in _ACTS else str(below)
            yield from _acts(below) if not getattr(below, "is_indirect", False) else ()
    elif isinstance(thing, pikepdf.Array):
        for below in thing:
            yield from _acts(below) if not getattr(below, "is_indirect", False) else ()


def _said(thing: pikepdf.Object) -> bytes:
    if isinstance(thing, pikepdf.Stream):
        return repr(dict(thing.items())).encode()
    return thing.unparse(resolved=True)


def _all_of(made: bytes) -> bytes:
    """Everything in a PDF, unpacked."""
    with pikepdf.open(io.BytesIO(made)) as paper:
        parts = [_said(thing) for thing in paper.objects]
        streams = [thing for thing in paper.objects if isinstance(thing, pikepdf.Stream)]
        unpacked = [
            one.read_raw_bytes() if one.get("/Filter") == "/DCTDecode" else one.read_bytes()
            for one in streams
        ]
    return b"".join([*parts, *unpacked])


@lru_cache(maxsize=1)
def _runs(sent: bytes) -> frozenset[bytes]:
    return frozenset(sent[at : at + _RUN] for at in range(len(sent) - _RUN + 1))


def _shares_a_run(sent: bytes, made: bytes) -> bool:
    runs = _runs(sent)
    return any(
        (run := made[at : at + _RUN]) in runs and len(set(run)) >= _VARIED
        for at in range(len(made) - _RUN + 1)
    )
