"""A camera for a browser that has none: it films one picture, over and over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserType

from tests.web.chromium import launch_options
from voucher_service.web import qr

FRAME = (1280, 720)
_FAKE = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--use-file-for-fake-video-capture={film}",
)


@contextmanager
def filming(kind: BrowserType, picture: Image.Image, film: Path) -> Iterator[Browser]:
    """A browser whose camera sees the picture on a grey table. `film` is written for it."""
    frame = Image.new("L", FRAME, 90)
    code = picture.convert("L")
    code.thumbnail((560, 560))
    frame.paste(
        code, tuple((whole - part) // 2 for whole, part in zip(FRAME, code.size, strict=True))
    )
    one = BytesIO()
    frame.convert("RGB").save(one, "JPEG", quality=85)
    film.write_bytes(one.getvalue() * 10)  # JPEGs in a row are a film
    options: dict[str, Any] = launch_options()
    fake = [flag.format(film=film) for flag in _FAKE]
    browser = kind.launch(**(options | {"args": [*options["args"], *fake]}))
    try:
        yield browser
    finally:
        browser.close()


def picture_of(text: str) -> Image.Image:
    """The QR of a text, as somebody might draw it who is not us."""
    code = qr.draw(text)
    side = 12
    whole = (code.size + 8) * side
    picture = Image.new("L", (whole, whole), 255)
    pen = ImageDraw.Draw(picture)
    for piece in code.path.split("M")[1:]:
        at, run = piece.split("h", 1)
        x, y = (int(part) + 4 for part in at.split())
        width = int(run.split("v")[0])
        pen.rectangle((x * side, y * side, (x + width) * side - 1, (y + 1) * side - 1), fill=0)
    return picture
