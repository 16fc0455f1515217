"""Which font draws which letter: the plainest one that has it.

Western letters take Helvetica, which every viewer has. Others take DejaVu Sans, where this machine
has it, and then the fonts for Chinese, Japanese and Korean that viewers bring along. A letter that
none of them has loses its accent, or becomes a question mark.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

WESTERN = ("Helvetica", "Helvetica-Bold")
WIDE = ("DejaVuSans", "DejaVuSans-Bold")
FOLDERS = (
    "/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/dejavu-sans-fonts",
    "/usr/share/fonts/dejavu", "/usr/share/fonts/TTF", "/usr/local/share/fonts", "/Library/Fonts",
)  # fmt: skip
ASIAN = (
    ("shift_jis", "HeiseiKakuGo-W5"), ("gb2312", "STSong-Light"), ("euc_kr", "HYSMyeongJo-Medium"),
    ("big5", "MSung-Light"),
)  # fmt: skip
"""By the letters that it has; Japanese first, whose kana the others draw too, but not as well."""
NARROW_BLANKS = {"\u202f": "\xa0", "\u2009": " ", "\u2212": "-"}
"""Blanks and the minus that not every font has, and what stands for them."""


@lru_cache(maxsize=4096)
def runs(text: str, bold: bool = False) -> tuple[tuple[str, str], ...]:
    """`text` in pieces of one font each: (name of the font, letters)."""
    drawn = ((_font(letter, bold), letter) for letter in _drawable(text))
    return tuple(
        (font, "".join(letter for _, letter in same))
        for font, same in groupby(drawn, key=lambda pair: pair[0])
    )


def width(text: str, size: float, bold: bool = False) -> float:
    """How wide `text` is drawn, in points."""
    parts = (pdfmetrics.stringWidth(piece, font, size) for font, piece in runs(text, bold))
    return float(sum(parts))


def _drawable(text: str) -> Iterator[str]:
    """The letters of `text`, each as one that some font has."""
    for letter in unicodedata.normalize("NFC", text):
        known = NARROW_BLANKS.get(letter, letter)
        if unicodedata.category(known)[0] == "C":
            continue
        if _font(known, False):
            yield known
            continue
        bare = unicodedata.normalize("NFKD", known)
        yield from (b if _font(b, False) else "?" for b in bare if not unicodedata.combining(b))


@lru_cache(maxsize=4096)
def _font(letter: str, bold: bool) -> str:
    """The font for a letter, or "" where there is none."""
    if _is_in(letter, "cp1252"):
        return WESTERN[bold]
    if ord(letter) in _wide_letters():
        return WIDE[bold]
    return next((_asian(font) for coded, font in ASIAN if _is_in(letter, coded)), "")


def _is_in(letter: str, coded: str) -> bool:
    try:
        return bool(letter.encode(coded))
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=1)
def _wide_letters() -> frozenset[int]:
    """The letters of DejaVu Sans, or none where this machine has it not."""
    for folder in map(Path, FOLDERS):
        faces = [TTFont(name, path) for name in WIDE if (path := folder / f"{name}.ttf").is_file()]
        if len(faces) == len(WIDE):
            for face in faces:
                pdfmetrics.registerFont(face)
            return frozenset(faces[0].face.charToGlyph) & frozenset(faces[1].face.charToGlyph)
    return frozenset()


@cache
def _asian(name: str) -> str:
    pdfmetrics.registerFont(UnicodeCIDFont(name))
    return name
