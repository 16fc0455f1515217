"""Saved views are one's own until they are shared."""

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.errors import NotFound
from app.operations import views
from app.operations.matching import Filters
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from tests import make


@pytest.fixture
def people(db: Connection) -> tuple[int, int, int]:
    vendor = make.new_vendor()
    with acting(SYSTEM), begin() as session:
        return vendor, make.user(session).id, make.user(session).id


def test_a_view_is_kept_shared_counted_and_removed(people: tuple[int, int, int]) -> None:
    vendor, ann, bob = people
    with acting(vendor_actor(vendor, ann)), begin() as session:
        make.customer(session, status="inactive")
        make.customer(session)
        view = views.save(session, screen="customers", name=" Sleeping ",
                          query="status=inactive&after=xyz&tag=a%00b")  # fmt: skip
        assert view.query == "status=inactive&tag=ab"
        view = views.save(session, screen="customers", name="Asleep", query="status=inactive")
        assert views.filters(view) == Filters(statuses=("inactive",))
        assert views.counts(session, [view], 10)[view.id].number == 1
    with acting(vendor_actor(vendor, bob)), begin() as session:
        assert views.listed(session, screen="customers") == []
        with pytest.raises(NotFound):
            views.drop(session, view_id=view.id)
    with acting(vendor_actor(vendor, ann)), begin() as session:
        views.share(session, view_id=view.id)
        views.rename(session, view_id=view.id, name="Quiet ones")
    with acting(vendor_actor(vendor, bob)), begin() as session:
        assert [v.name for v in views.listed(session, screen="customers")] == ["Quiet ones"]
        assert views.listed(session, screen="orders") == []
        for verb in (views.share, views.drop):
            with pytest.raises(NotFound):
                verb(session, view_id=view.id)
    with acting(vendor_actor(make.new_vendor(), ann)), begin() as session:
        assert views.listed(session, screen="customers") == []
    with acting(admin_actor(user_id=ann)), begin() as session:
        assert views.listed(session, screen="customers") == []
    with acting(vendor_actor(vendor, ann)), begin() as session:
        views.drop(session, view_id=view.id)
        assert [v.name for v in views.listed(session, screen="customers")] == ["Sleeping"]


@pytest.mark.parametrize("name", ["", " \0", "x" * 81, "\u200b"])
def test_a_view_without_a_name_is_refused(people: tuple[int, int, int], name: str) -> None:
    actor = vendor_actor(people[0], people[1])
    with acting(actor), begin() as session, pytest.raises(views.NoViewName):
        views.save(session, screen="customers", name=name, query="")


def test_a_name_is_taken_once(people: tuple[int, int, int]) -> None:
    vendor, ann, bob = people
    for user in (ann, bob):
        with acting(vendor_actor(vendor, user)), begin() as session:
            views.save(session, screen="customers", name="Mine", query="x=1" * 9_000)
    again = acting(vendor_actor(vendor, ann))
    with again, pytest.raises(views.ViewNameTaken), begin() as session:
        views.save(session, screen="customers", name="Mine", query="")
