"""How often a process that lives long looks for garbage."""

import gc

SELDOM = (20_000, 20, 20)
"""So many new objects, and rounds, before each generation is looked at: by itself Python does it
every 700, which takes an eighth of the time of a request that reads a page of rows."""


def settle() -> None:
    """What is loaded by now stays for good: it is never looked at again, and the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
