"""How alike two pictures are: 64 bits to find candidates by, 256 greys to be sure. Pure.

The bits alone (`infra.uploads`) are not enough: of 100,000 unrelated photos about ten lie within
seven bits of any other. The greys of the whole picture, 16 by 16, tell those apart.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

from PIL import Image

BITS = 64
# Within so many bits another picture is a candidate. Two of its four bands differ in at most one
# bit each then, so that 68 look-ups find all of them.
FAR_BITS = 7
SIDE = 16
_BANDS = 4
_BAND_BITS = BITS // _BANDS
_BAND = (1 << _BAND_BITS) - 1
# A picture with fewer steps than this in either direction is one flat grey: like all flat ones.
_STEPS_LEAST = 6


def says_something(likeness: int) -> bool:
    """Whether a picture has enough in it to be recognised by its bits."""
    return _STEPS_LEAST <= likeness.bit_count() <= BITS - _STEPS_LEAST


def apart(one: int, other: int) -> int:
    """In how many bits two pictures differ."""
    return (one ^ other).bit_count()


def kept_as(likeness: int) -> Iterator[str]:
    """The keys under which a picture is kept: its four bands."""
    for band, bits in enumerate(_bands(likeness)):
        yield _key(band, bits)


def sought_as(likeness: int) -> Iterator[str]:
    """The keys under which every picture within `FAR_BITS` is found."""
    for band, bits in enumerate(_bands(likeness)):
        yield _key(band, bits)
        for place in range(_BAND_BITS):
            yield _key(band, bits ^ 1 << place)


def tiny(data: bytes) -> bytes:
    """The greys of a JPEG, 16 by 16, row by row. Only for files that `infra.uploads` drew anew."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        picture.draft("L", (SIDE * 8, SIDE * 8))
        return greys(picture)


def greys(picture: Image.Image) -> bytes:
    """The same of an open picture."""
    return picture.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS).tobytes()


def correlation(one: bytes, other: bytes) -> int:
    """How alike the greys of two pictures are, in ten-thousandths; brightness and contrast aside.

    10,000 is the same picture, 0 nothing in common, below it the negative.
    """
    size = len(one)
    mean_one, mean_other = sum(one) / size, sum(other) / size
    both = sum(map(int.__mul__, one, other)) - size * mean_one * mean_other
    spread_one = sum(map(int.__mul__, one, one)) - size * mean_one**2
    spread_other = sum(map(int.__mul__, other, other)) - size * mean_other**2
    if spread_one <= 0 or spread_other <= 0:
        return 0
    return round(10_000 * both / math.sqrt(spread_one * spread_other))


def _bands(likeness: int) -> Iterator[int]:
    for band in range(_BANDS):
        yield likeness >> band * _BAND_BITS & _BAND


def _key(band: int, bits: int) -> str:
    return f"{band}{bits:04x}"
