"""References that leave the house: unguessable, and sorted by time."""

import os
import time
from uuid import UUID


def new_reference() -> UUID:
    """A UUID of version 7 (RFC 9562, section 5.7): milliseconds first, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 2 << 62)
