"""A database with two vendors that own a row in every table: made once a module, never changed."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.database import SessionFactory, begin, connect
from app.tenancy import SYSTEM, acting
from tests import make
from tests.laws.world import World, full_vendor
from tests.server import TestServer


@pytest.fixture(scope="module")
def built(server: TestServer) -> Iterator[tuple[Engine, World]]:
    """The database, filled by the marketplace and committed."""
    before = dict(SessionFactory.kw)
    name = f"laws_{os.getpid()}_{make.number()}"
    engine = connect(server.clone(name), pool_size=2)
    mine, theirs = make.new_vendor(), make.new_vendor()
    with acting(SYSTEM), begin() as session:
        category_id, user_id = make.category(session).id, make.user(session).id
        make.person(session)
        for vendor_id in (mine, theirs):
            full_vendor(session, vendor_id, category_id, user_id)
    SessionFactory.configure(bind=before.get("bind"))
    yield engine, World(mine, theirs)
    engine.dispose()
    server.drop(name)


@pytest.fixture
def world(built: tuple[Engine, World]) -> Iterator[World]:
    """The two vendors, in one outer transaction that is rolled back after the test."""
    engine, made = built
    before = SessionFactory.kw.get("bind")
    with engine.connect() as connection:
        outer = connection.begin()
        SessionFactory.configure(bind=connection, join_transaction_mode="create_savepoint")
        yield made
        SessionFactory.configure(bind=before, join_transaction_mode="conditional_savepoint")
        outer.rollback()
