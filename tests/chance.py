"""What properties draw: always the same, or, where there is time, much that is new.

`make test` draws the same examples every time: nobody is refused by chance for what they did not
touch. `make check` draws others every time, and eight times as many: what it finds is a defect.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

USUAL, WIDER = 60, 8

_USUAL = settings(
    settings.get_profile("default"), max_examples=USUAL, print_blob=True,
    deadline=None, suppress_health_check=list(HealthCheck),  # a busy machine is no defect
)  # fmt: skip
settings.register_profile("steady", _USUAL, derandomize=True)
settings.register_profile("wide", _USUAL, max_examples=USUAL * WIDER)


def examples(number: int, **more: Any) -> settings:
    """So many examples, or eight times as many where there is time."""
    return settings(max_examples=number * settings.default.max_examples // USUAL, **more)


@contextmanager
def steady() -> Iterator[None]:
    """What is drawn does not depend on the numbers and words in our own code.

    They are mixed into what is drawn: a new word anywhere would change every example everywhere.
    """
    with pytest.MonkeyPatch.context() as patch:
        if settings.default.derandomize:
            patch.setattr(providers, "_get_local_constants", Constants)
        yield
