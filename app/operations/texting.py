"""How many parts a text message is sent in: GSM 03.38's alphabet, else UCS-2 (3GPP TS 23.038)."""

from typing import NamedTuple

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = "^{}\\[~]|€\f"
"""Characters that take two places."""
_GSM = frozenset(_BASIC + _TWICE)


class Size(NamedTuple):
    """How long a text is in the places of its alphabet, in how many parts it goes, and how many
    places of the last part are left. `wide` is the first character that the small alphabet lacks.
    """

    length: int
    parts: int
    left: int
    wide: str | None


def size_of(text: str) -> Size:
    """How a text message is cut: into 160 places, or parts of 153; of the large alphabet 70 or 67.

    No character is cut in two.
    """
    wide = next((char for char in text if char not in _GSM), None)
    alone, each = (160, 153) if wide is None else (70, 67)
    places = [_places(char, wide) for char in text]
    length = sum(places)
    if length <= alone:
        return Size(length, 1 if text else 0, alone - length, wide)
    parts, used = 1, 0
    for place in places:
        if used + place > each:
            parts, used = parts + 1, 0
        used += place
    return Size(length, parts, each - used, wide)


def _places(char: str, wide: str | None) -> int:
    if wide is None:
        return 2 if char in _TWICE else 1
    return 2 if ord(char) > 0xFFFF else 1
