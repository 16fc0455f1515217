"""What is made once for several modules of operations."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app import clock
from app.database import SessionFactory
from tests.operations.segment_world import NOW, World, made
from tests.server import TestServer, own_database


@pytest.fixture(scope="session")
def segmented(server: TestServer) -> Iterator[tuple[Engine, World]]:
    """The world of segments and its database: nobody changes it for good."""
    before = SessionFactory.kw.get("bind")
    with own_database(server) as engine:
        with clock.stopped_at(NOW):
            world = made()
        SessionFactory.configure(bind=before)
        yield engine, world
