"""A database with two vendors that own a row in every table: made once a module, never changed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.database import begin
from app.tenancy import SYSTEM, acting
from tests import make
from tests.laws.world import World, full_vendor
from tests.server import TestServer, own_database, undone


@pytest.fixture(scope="module")
def built(server: TestServer) -> Iterator[tuple[Engine, World]]:
    """The database, filled by the marketplace and committed."""
    with own_database(server) as engine:
        mine, theirs = make.new_vendor(), make.new_vendor()
        with acting(SYSTEM), begin() as session:
            category_id, user_id = make.category(session).id, make.user(session).id
            make.person(session)
            for vendor_id in (mine, theirs):
                full_vendor(session, vendor_id, category_id, user_id)
        yield engine, World(mine, theirs)


@pytest.fixture
def world(built: tuple[Engine, World]) -> Iterator[World]:
    """The two vendors, in one outer transaction that is rolled back after the test."""
    with undone(built[0]):
        yield built[1]
