"""Photos of appliances, drawn: each kind has its shape, each shop its corner, each shot its light.

Small ones: what is compared are 8 by 9 and 16 by 16 greys. A copy is made as people make copies:
packed again, made smaller, brightened, cut at the edges, turned.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from random import Random

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from voucher_service.infra.uploads.pictures import likeness
from voucher_service.tradein.risk.likeness import greys

WIDTH, HEIGHT = 80, 60
# Width and height of each kind as parts of the picture: tall, square, flat, small.
_SHAPES = ((0.3, 0.8), (0.45, 0.6), (0.7, 0.45), (0.8, 0.3), (0.25, 0.5), (0.2, 0.4))


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture as the platform sees it."""

    bits: int
    tiny: bytes


def shot(picture: Image.Image) -> Shot:
    """What the platform computes of a picture."""
    return Shot(likeness(picture), greys(picture))


def drawn(kind: int, corner: int, number: int) -> Image.Image:
    """One photo of an appliance: at home (a corner of its own), or in a shop's corner."""
    wall, thing = Random(corner), Random(f"{kind} {corner} {number}")
    picture = _wall(wall, thing)
    wide, high = _SHAPES[kind % len(_SHAPES)]
    width, height = (
        int(side * part * thing.uniform(0.85, 1.15))
        for side, part in ((WIDTH, wide), (HEIGHT, high))
    )
    left = int((WIDTH - width) * thing.uniform(0.25, 0.75))
    top = int((HEIGHT - height) * thing.uniform(0.4, 0.95))
    grey = thing.choice((235, 225, 190, 60))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((left, top, left + width, top + height), fill=grey)
    seam = top + int(height * thing.uniform(0.3, 0.5))
    pen.line((left, seam, left + width, seam), fill=grey - 30)
    label = (left + width * 6 // 10, top + height // 10, left + width * 8 // 10, top + height // 5)
    pen.rectangle(label, fill=thing.randint(20, 230))
    picture = picture.filter(ImageFilter.GaussianBlur(thing.uniform(0.2, 0.8)))
    noise = Image.frombytes("L", (WIDTH, HEIGHT), thing.randbytes(WIDTH * HEIGHT))
    return Image.blend(picture, noise, 0.03)


def _wall(wall: Random, thing: Random) -> Image.Image:
    """A corner as it stands, seen from a little elsewhere in another light at each shot."""
    gradient = _gradient(wall.randrange(4))
    plain = Image.new("L", (WIDTH, HEIGHT), wall.randint(110, 230))
    picture = Image.blend(plain, gradient, wall.uniform(0.1, 0.5))
    pen = ImageDraw.Draw(picture)
    x, y = thing.randint(-6, 6), thing.randint(-4, 4)
    pen.rectangle((0, int(HEIGHT * wall.uniform(0.65, 0.9)) + y, WIDTH, HEIGHT), fill=90)
    for _ in range(wall.randint(2, 7)):
        left, top = wall.randint(0, WIDTH) + x, wall.randint(0, HEIGHT) + y
        size = wall.randint(4, 26), wall.randint(4, 26)
        grey = wall.randint(20, 240)
        pen.rectangle((left, top, left + size[0], top + size[1]), fill=grey)
    return ImageEnhance.Brightness(picture).enhance(thing.uniform(0.8, 1.15))


@cache
def _gradient(turn: int) -> Image.Image:
    return Image.linear_gradient("L").rotate(90 * turn).resize((WIDTH, HEIGHT))


def packed_again(picture: Image.Image, by: Random) -> Image.Image:
    """Through a messenger: smaller, as a JPEG of poor quality."""
    part = by.uniform(0.5, 1.0)
    small = picture.resize((int(WIDTH * part), int(HEIGHT * part)))
    sent = io.BytesIO()
    small.save(sent, "JPEG", quality=by.randint(35, 80))
    return Image.open(sent).convert("L")


def brightened(picture: Image.Image, by: Random) -> Image.Image:
    """Lighter or darker, with more or less contrast."""
    lit = ImageEnhance.Brightness(picture).enhance(by.uniform(0.75, 1.2))
    return ImageEnhance.Contrast(lit).enhance(by.uniform(0.8, 1.2))


def cut(picture: Image.Image, by: Random) -> Image.Image:
    """Up to eight hundredths cut off at each edge."""
    left, top, right, bottom = (by.uniform(0, 0.08) for _ in range(4))
    wide, high = picture.size
    return picture.crop(
        (int(left * wide), int(top * high), int((1 - right) * wide), int((1 - bottom) * high))
    )


def turned(picture: Image.Image, by: Random) -> Image.Image:
    """Turned by a few degrees."""
    return picture.rotate(by.uniform(-4, 4), Image.Resampling.BICUBIC, fillcolor=128)


def mirrored(picture: Image.Image, by: Random) -> Image.Image:
    """The other way round."""
    return ImageOps.mirror(picture)
