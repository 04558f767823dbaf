"""A picture, drawn anew, and what its camera noted about place and time.

Runs in the restricted process only.
"""

from __future__ import annotations

import io
import math
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image, ImageOps

from . import DAMAGED, TOO_MANY_PIXELS, Unfit

MOST_PIXELS = 40_000_000
# Of a PNG or a progressive JPEG, which can only be unpacked whole; measured at 256 MiB.
MOST_PIXELS_AT_ONCE = 20_000_000
# The longest side of a picture that is kept, in pixels: a licence can be read at this size.
LONGEST = 2_400
QUALITY = 85
# A camera that names no offset is taken to stand in China.
_CHINA = "+0800"
_UNREADABLE = (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError)


def redrawn(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """A JPEG of at most 2,400 pixels a side, and the facts. Raises Unfit.

    Facts: `taken_at` (ISO 8601 with offset), `latitude`, `longitude` (degrees, WGS 84), each None
    when the camera did not say; `likeness`, a difference hash of 64 bits.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            # Before a pixel is unpacked: a small file can be a very large picture.
            whole = picture.format == "PNG" or "progressive" in picture.info
            most = MOST_PIXELS_AT_ONCE if whole else MOST_PIXELS
            if picture.width * picture.height > most:
                raise Unfit(TOO_MANY_PIXELS)
            picture.draft("RGB", (LONGEST, LONGEST))
            picture.load()
            noted = picture.getexif()
            upright = on_white(ImageOps.exif_transpose(_small(picture)))
    except Image.DecompressionBombError as error:
        raise Unfit(TOO_MANY_PIXELS) from error
    except _UNREADABLE as error:
        raise Unfit(DAMAGED) from error
    return as_jpeg(upright), {**_noted(noted), "likeness": likeness(upright)}


def as_jpeg(picture: Image.Image) -> bytes:
    """A grey or RGB picture as a JPEG with nothing of what surrounded its pixels."""
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    drawn = io.BytesIO()
    bare.save(drawn, "JPEG", quality=QUALITY)
    return drawn.getvalue()


def on_white(picture: Image.Image) -> Image.Image:
    """The same in RGB; what was transparent is white."""
    if picture.mode not in {"RGBA", "LA"}:
        return picture.convert("RGB")
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return paper


def _small(picture: Image.Image) -> Image.Image:
    """Made small before anything else, so that a large picture is in memory once."""
    if "transparency" in picture.info:
        picture = picture.convert("RGBA")
    elif picture.mode not in {"RGB", "RGBA", "L", "LA", "CMYK"}:
        picture = picture.convert("RGB")
    picture.thumbnail((LONGEST, LONGEST))
    return picture


def likeness(picture: Image.Image) -> int:
    """64 bits, one for each step to the right in 8 rows of 9 greys: whether it gets brighter."""
    grey = picture.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    steps = (grey[row * 9 + x] < grey[row * 9 + x + 1] for row in range(8) for x in range(8))
    return sum(brighter << place for place, brighter in enumerate(steps))


def _noted(exif: Image.Exif) -> dict[str, Any]:
    return {
        "taken_at": _or_none(_taken_at, exif),
        "latitude": _or_none(_degrees, exif, ExifTags.GPS.GPSLatitude, "S", 90),
        "longitude": _or_none(_degrees, exif, ExifTags.GPS.GPSLongitude, "W", 180),
    }


def _or_none(read: Any, *given: Any) -> Any:
    """What can't be read was not noted: notes never refuse a picture."""
    try:
        return read(*given)
    except _UNREADABLE:
        return None


def _taken_at(exif: Image.Exif) -> str:
    noted = exif.get_ifd(ExifTags.IFD.Exif)
    told = noted[ExifTags.Base.DateTimeOriginal].strip(" \0")
    offset = str(noted.get(ExifTags.Base.OffsetTimeOriginal, "")).strip(" \0") or _CHINA
    return datetime.strptime(told + offset, "%Y:%m:%d %H:%M:%S%z").isoformat()


def _degrees(exif: Image.Exif, tag: int, negative: str, most: int) -> float:
    """Degrees of a position; the tag before a figure's own says which side. Raises ValueError."""
    noted = exif.get_ifd(ExifTags.IFD.GPSInfo)
    degrees, minutes, seconds = (float(part) for part in noted[tag])
    found = degrees + minutes / 60 + seconds / 3600
    if not (math.isfinite(found) and 0 <= found <= most):
        raise ValueError(found)
    return round(-found if str(noted[tag - 1]).startswith(negative) else found, 6)
