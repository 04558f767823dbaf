"""Pictures that hurt, and some that do not."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from functools import cache
from random import Random
from typing import Any

from PIL import Image

from tests.uploads.sample import GONE, Sample

JPEG = "image/jpeg"
HTML = b"<html><script>alert('" + GONE + b"')</script></html>"
GPS = {1: "N", 2: (21.0, 51.0, 28.44), 3: "E", 4: (111.0, 58.0, 57.0)}


def picture(form: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (96, 64), **how: Any):
    """Something with structure, so that its bytes are told from another picture's."""
    small = Image.frombytes("RGB", (24, 16), Random(7).randbytes(24 * 16 * 3))
    made = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).convert(mode).save(made, form, **how)
    return made.getvalue()


def photographed(**more: Any) -> bytes:
    """As a phone does it: place, time, maker, an embedded preview."""
    noted = Image.Exif()
    noted[0x010F] = GONE.decode()
    noted.get_ifd(0x8769)[0x9003] = "2026:03:04 05:06:07"
    noted.get_ifd(0x8769).update(more)
    noted.get_ifd(0x8825).update(GPS)
    return picture(exif=noted, comment=HTML)


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, packed: bytes, *others: bytes) -> bytes:
    """A grey PNG that says so much of itself and holds this."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    parts = (head, *others, chunk(b"IDAT", packed), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@cache
def zeros(count: int) -> bytes:
    """So many zeros, packed a thousandfold, without having them in memory."""
    packer, block = zlib.compressobj(9), bytes(1_048_576)
    parts = [packer.compress(block) for _ in range(count // len(block))]
    return b"".join([*parts, packer.flush()])


def archive() -> bytes:
    """A ZIP, as a JAR or a DOCX is one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("META-INF/MANIFEST.MF", b"Main-Class: " + GONE)
        packed.writestr("word/document.xml", bytes(5_000_000), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def huge_jpeg() -> bytes:
    """A JPEG that says it is 65,000 pixels wide and high."""
    sent = picture()
    at = sent.index(b"\xff\xc0") + 5
    return sent[:at] + struct.pack(">HH", 65_000, 65_000) + sent[at + 4 :]


def samples() -> list[Sample]:
    """All of them."""
    plain, bomb = picture(), zeros(256 * 1_048_576)
    text = chunk(b"zTXt", b"k\0\0" + bomb)
    return [
        Sample("a photo with place and time", photographed(), JPEG),
        Sample("a progressive JPEG", picture(progressive=True), JPEG),
        Sample("a CMYK JPEG", picture(mode="CMYK"), JPEG),
        Sample("a grey JPEG", picture(mode="L"), JPEG),
        Sample("a PNG with transparency", picture("PNG", "RGBA"), JPEG),
        Sample("a PNG with a palette", picture("PNG", "P", transparency=0), JPEG),
        Sample("a PNG of 16 bits", picture("PNG", "I;16"), JPEG),
        Sample("a JPEG that is HTML too", plain + HTML, JPEG),
        Sample("a JPEG with HTML in its comment", picture(comment=HTML), JPEG),
        Sample("a JPEG that is a JAR too", plain + archive(), JPEG),
        Sample("a PNG that is a ZIP too", picture("PNG") + archive(), JPEG),
        Sample(
            "a PNG with a private chunk",
            png(8, 8, zlib.compress(bytes(72)), chunk(b"prVt", HTML)),
            JPEG,
        ),
        Sample("a JPEG with another colour profile", picture(icc_profile=GONE * 40), JPEG),
        Sample("a small PNG that unpacks to 256 MB", png(64, 64, bomb), JPEG),
        Sample("a PNG of 60,000 by 60,000", png(60_000, 60_000, bomb), "picture_too_large"),
        Sample("a JPEG of 65,000 by 65,000", huge_jpeg(), "picture_too_large"),
        Sample(
            "a PNG whose text unpacks to 256 MB",
            png(8, 8, zlib.compress(bytes(72)), text),
            "file_damaged",
        ),
        Sample("a PNG without pixels", png(0, 0, b""), "file_damaged"),
        Sample(
            "a PNG with a wrong checksum", picture("PNG").replace(b"IDAT", b"IDAU"), "file_damaged"
        ),
        Sample("half a JPEG", plain[: len(plain) // 2], "file_damaged"),
        Sample("half a PNG", picture("PNG")[:900], "file_damaged"),
        Sample("the start of a JPEG", plain[:20], "file_damaged"),
        Sample("a JPEG of noise", b"\xff\xd8\xff\xe0" + Random(3).randbytes(4_000), "file_damaged"),
        *wrong_kinds(),
    ]


def wrong_kinds() -> list[Sample]:
    """Named .jpg or .pdf by their sender."""
    kinds = {
        "nothing": b"",
        "one byte": b"\xff",
        "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "an HTML page": HTML,
        "a HEIC": b"\x00\x00\x00\x18ftypheic" + bytes(400),
        "a video": b"\x00\x00\x00\x18ftypmp42" + bytes(400),
        "a GIF": picture("GIF", "P"),
        "a GIF that is a JAR too": picture("GIF", "P") + archive(),
        "a WEBP": picture("WEBP"),
        "a TIFF": picture("TIFF"),
        "a BMP": picture("BMP"),
        "an icon": picture("ICO"),
        "a DOCX": archive(),
        "a nest of zeros": zeros(64 * 1_048_576),
        "a program for Windows": b"MZ\x90\x00" + bytes(400) + HTML,
        "a program for Linux": b"\x7fELF\x02\x01\x01" + bytes(400),
        "a font": b"\x00\x01\x00\x00\x00\x0c\x00\x80" + Random(2).randbytes(400),
        "PostScript": b"%!PS-Adobe-3.0\n(%PDF-1.4) run\n%%EOF",
        "HTML before a JPEG": HTML + picture(),
    }
    return [Sample(name, data, "file_refused") for name, data in kinds.items()]
