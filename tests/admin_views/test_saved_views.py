"""Saved views of bookings, orders and tasks: kept by name, one's own, removed again."""

import re

import pytest
from sqlalchemy import Connection

from app.tenancy import Actor, DatabaseRole, PanelRole
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager
from tests.admin_views.reading import text_of

LISTS = {"booking": "status=confirmed", "order": "status=placed", "task": "status=open"}


@pytest.mark.parametrize(("noun", "query"), LISTS.items())
def test_a_view_is_kept_opened_and_removed(
    panel: PanelClient, db: Connection, noun: str, query: str
) -> None:
    panel.as_(manager(make.new_vendor()))
    home, save = f"/admin/{noun}/list", f"/admin/{noun}/views/save"
    assert 'aria-label="Saved views"' not in panel.get(home).text
    assert f'action="{save}"' in panel.get(f"{home}?{query}").text
    typed = {"name": "Mine <b>", "query": f"{query}&nonsense=1&after=7&size=50"}
    kept = panel.post(save, data=typed)
    assert kept.headers["location"] == f"{home}?{query}"
    page = panel.get(kept.headers["location"]).text
    assert re.search(r'aria-current="page"><span dir="auto">Mine &lt;b&gt;', page)
    panel.post(save, data=typed)
    assert "choose another name" in text_of(panel.get(home).text)
    panel.post(save, data={"name": " ", "query": query})
    assert "This view has no name yet" in text_of(panel.get(home).text)
    [way] = set(re.findall(rf"/admin/{noun}/views/\d+/remove", panel.get(f"{home}?{query}").text))
    assert panel.post(way).headers["location"] == home
    assert 'aria-label="Saved views"' not in panel.get(home).text
    assert panel.post(way).status_code == 404


def test_a_view_is_ones_own_and_of_one_list(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    panel.post("/admin/task/views/save", data={"name": "Mine", "query": "status=open"})
    assert "Mine" in panel.get("/admin/task/list").text
    assert "Mine" not in panel.get("/admin/order/list").text
    page = panel.get("/admin/task/list?status=open").text
    [way] = set(re.findall(r"/admin/task/views/\d+/remove", page))
    for actor in (manager(make.new_vendor()), admin()):
        panel.as_(actor)
        assert "Mine" not in panel.get("/admin/task/list").text
        assert panel.post(way).status_code == 404
    someone = Actor(DatabaseRole.VENDOR, vendor, 10**6, PanelRole.STAFF)
    assert panel.as_(someone).post(way).status_code == 404


@pytest.mark.parametrize("query", ["", "status=%00", "%ff=%fe", "status=" + "x" * 9000, "&&&=="])
def test_any_query_is_kept_or_dropped_but_never_breaks(
    panel: PanelClient, db: Connection, query: str
) -> None:
    panel.as_(manager(make.new_vendor()))
    kept = panel.post("/admin/order/views/save", data={"name": "Odd", "query": query})
    assert kept.status_code == 303
    assert panel.get(kept.headers["location"]).status_code == 200
