"""Fixtures of modules whose every test begins in the furnished house: import both."""

from collections.abc import Iterator
from copy import deepcopy

import pytest
from sqlalchemy import Connection, Engine

from tests.server import undone
from tests.webclient import House


@pytest.fixture
def db(furnished: tuple[Engine, House]) -> Iterator[Connection]:
    """The database of the house; what the test does to it is undone."""
    with undone(furnished[0]) as connection:
        yield connection


@pytest.fixture
def house(furnished: tuple[Engine, House], db: Connection) -> House:
    """Who and what is in it."""
    return deepcopy(furnished[1])
