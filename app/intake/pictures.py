"""Pictures in: looked at whole, turned upright, made small enough for a screen.

What a camera writes beside a picture (where it was taken, by whom) does not come in, nor does what
is hidden behind its end: only what is to be seen is drawn anew.
"""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from PIL import Image, ImageOps

from app.errors import DomainError

LONGEST_SIDE = 1600
"""Pixels: what a large screen shows."""
MOST_PIXELS = {"JPEG": 50_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
"""A JPEG is made smaller while it is read, the others are held whole in memory."""
QUALITY = 85
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


class NoPicture(DomainError):
    sentence = "This is no picture that can be shown: choose a PNG, a JPEG or a WebP."
    field = "file"


class TooManyPixels(DomainError):
    sentence = "This picture has more than {millions} million pixels: make it smaller first."
    field = "file"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept: its file, and what that is."""

    content: bytes
    media_type: str


def redrawn(file: IO[bytes]) -> Picture:
    """The picture of a file, known by what it is and never by its name; at most `LONGEST_SIDE`.

    Of a moving one the first picture. No SVG, which can hold a script. Raises `NoPicture`,
    `TooManyPixels`.
    """
    try:
        with Image.open(file, formats=list(MOST_PIXELS)) as found:
            kind = str(found.format)
            if found.width * found.height > MOST_PIXELS[kind]:
                raise TooManyPixels(millions=MOST_PIXELS[kind] // 1_000_000)
            return Picture(_drawn(found, kind), f"image/{kind.lower()}")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooManyPixels(millions=max(MOST_PIXELS.values()) // 1_000_000) from None
    except _BROKEN:
        raise NoPicture from None


def _drawn(found: Image.Image, kind: str) -> bytes:
    found.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(found)
    plain = _in_plain_colours(upright, kind)
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    colours = found.info.get("icc_profile")  # without it, colours of good cameras look pale
    drawn = BytesIO()
    plain.save(drawn, kind, quality=QUALITY, optimize=True, icc_profile=colours)
    return drawn.getvalue()


def _in_plain_colours(image: Image.Image, kind: str) -> Image.Image:
    """Red, green and blue, and what shines through where the kind has it."""
    clear = kind != "JPEG" and (image.has_transparency_data or image.mode == "RGBA")
    wanted = "RGBA" if clear else "RGB"
    return image if image.mode == wanted else image.convert(wanted)
