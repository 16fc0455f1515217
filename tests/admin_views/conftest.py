"""The panel over the rolled-back transaction of a test."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from tests.admin_views.panel_client import PanelClient


@pytest.fixture(scope="session")
def panel_client() -> Iterator[PanelClient]:
    """One panel for all tests."""
    with PanelClient() as client:
        yield client


@pytest.fixture
def panel(db: Connection, panel_client: PanelClient) -> Iterator[PanelClient]:
    """The panel, with nobody at it yet."""
    panel_client.as_(None)
    panel_client.cookies.clear()
    yield panel_client
    panel_client.as_(None)
