"""Saved views on screen: one's own are renamed, shared and removed; those of others are not."""

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.tenancy import Actor, DatabaseRole, PanelRole, acting, admin_actor, vendor_actor
from models.views import SavedView
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager
from tests.admin_views.reading import leaks, text_of

HOME = "/admin/saved-view"


def somebody(vendor: int) -> Actor:
    """Another person of the vendor."""
    with acting(admin_actor()), begin() as session:
        user = make.user(session, name="Femke Jansen")
        make.vendor_user(session, user=user, vendor_id=vendor)
        return Actor(DatabaseRole.VENDOR, vendor, user.id, PanelRole.STAFF)


def made(vendor: int, **fields: object) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return make.saved_view(session, **fields).id


def kept(vendor: int) -> list[tuple[str, bool]]:
    with acting(vendor_actor(vendor)), begin() as session:
        rows = session.execute(select(SavedView.name, SavedView.is_shared).order_by(SavedView.id))
        return [(name, shared) for name, shared in rows]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Name is missing"),
        ("\x00\x01", "Name is missing"),
        ("x" * 81, "too long"),
        ("Taken", "choose another name"),
    ],
)
def test_names_that_cannot_be_are_refused_at_the_field(
    panel: PanelClient, db: Connection, name: str, sentence: str
) -> None:
    vendor = make.new_vendor()
    made(vendor, name="Taken")
    number = made(vendor, name="Mine")
    panel.as_(manager(vendor))
    form = panel.form_values(f"{HOME}/edit/{number}")
    answer = panel.post(f"{HOME}/edit/{number}", data=form | {"name": name})
    assert answer.status_code == 400
    assert sentence in text_of(answer.text)
    assert leaks(answer.text) is None
    assert kept(vendor) == [("Taken", False), ("Mine", False)]


def test_ones_own_is_renamed_shared_opened_and_removed(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    number = made(vendor, name="Mine", screen="task", query="status=open&kind=call")
    panel.as_(manager(vendor))
    page = panel.get(f"{HOME}/details/{number}").text
    assert 'href="/admin/task/list?status=open&amp;kind=call"' in page
    assert "Status, kind" in page
    form = panel.form_values(f"{HOME}/edit/{number}")
    new = form | {"name": "Calls <b>", "is_shared": "y"}
    assert panel.post(f"{HOME}/edit/{number}", data=new).status_code == 303
    assert kept(vendor) == [("Calls <b>", True)]
    assert "Calls <b>" not in panel.get(f"{HOME}/list").text
    assert panel.post(f"{HOME}/remove/{number}").status_code == 303
    assert kept(vendor) == []


def test_those_of_others_are_seen_when_shared_and_never_changed(
    panel: PanelClient, db: Connection
) -> None:
    vendor = make.new_vendor()
    hidden = made(vendor, name="Hidden view")
    shared = made(vendor, name="Shared view", is_shared=True, screen="task", query="status=open")
    panel.as_(somebody(vendor))
    listed = panel.get(f"{HOME}/list").text
    assert "Shared view" in listed
    assert "Hidden view" not in listed
    assert "Backroom" in text_of(listed)
    assert panel.get(f"{HOME}/details/{hidden}").status_code == 404
    page = panel.get(f"{HOME}/details/{shared}").text
    assert "/edit/" not in page
    assert "delete-dialog" not in page
    for number, status in ((hidden, 404), (shared, 403)):
        for path in (f"edit/{number}", f"remove/{number}"):
            data = {"name": "Stolen", "seen": ""}
            assert panel.post(f"{HOME}/{path}", data=data).status_code == status, path
    tabs = panel.get("/admin/task/list?status=open").text
    assert "Shared view" in tabs
    assert f"views/{shared}/remove" not in tabs
    assert kept(vendor) == [("Hidden view", False), ("Shared view", True)]


def test_they_are_made_on_lists_only(panel: PanelClient, db: Connection) -> None:
    panel.as_(manager(make.new_vendor()))
    for answer in (panel.get(f"{HOME}/create"), panel.post(f"{HOME}/create", data={"name": "x"})):
        assert answer.status_code == 403
    assert "made on its list" in panel.get(f"{HOME}/list").text


def test_an_admin_sees_the_shared_views_of_vendors_but_opens_only_own_lists(
    panel: PanelClient, db: Connection
) -> None:
    vendor = make.new_vendor()
    with acting(admin_actor()), begin() as session:
        other = make.user(session).id
    hidden = made(vendor, name="Hidden", user_id=other)
    shared = made(vendor, name="Shared", user_id=other, is_shared=True)
    panel.as_(admin())
    assert panel.get(f"{HOME}/details/{hidden}").status_code == 404
    page = panel.get(f"{HOME}/details/{shared}")
    assert page.status_code == 200
    assert "Open the list" not in page.text
    assert panel.post(f"{HOME}/remove/{shared}").status_code == 403
